// A self-signed certificate for 127.0.0.1 and localhost, made anew by the openssl program.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.h"

namespace lockstep {

struct TestCertificate {
    std::filesystem::path certificate;
    std::filesystem::path key;

    // In `directory`, as NAME.pem and NAME.key.
    static TestCertificate make(const std::filesystem::path& directory, const std::string& name) {
        TestCertificate out{directory / (name + ".pem"), directory / (name + ".key")};
        std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
            "-subj /CN=" +
            name + " -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout '" +
            out.key.string() + "' -out '" + out.certificate.string() + "' 2>/dev/null";
        CHECK(std::system(command.c_str()) == 0, "openssl req");
        return out;
    }
    // One that `authority` has signed.
    static TestCertificate signed_by(const TestCertificate& authority,
                                     const std::filesystem::path& directory,
                                     const std::string& name) {
        TestCertificate out{directory / (name + ".pem"), directory / (name + ".key")};
        auto quoted = [](const std::filesystem::path& path) { return "'" + path.string() + "'"; };
        std::filesystem::path request = directory / (name + ".csr");
        std::string command =
            "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name +
            " -keyout " + quoted(out.key) + " -out " + quoted(request) +
            " 2>/dev/null && openssl x509 -req -days 2 -in " + quoted(request) + " -CA " +
            quoted(authority.certificate) + " -CAkey " + quoted(authority.key) +
            " -CAcreateserial -out " + quoted(out.certificate) + " 2>/dev/null";
        CHECK(std::system(command.c_str()) == 0, "openssl x509");
        return out;
    }
};

}  // namespace lockstep
