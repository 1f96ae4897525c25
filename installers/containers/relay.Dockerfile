# The relay, from its Debian package.  ./dev package && docker build -f installers/containers/relay.Dockerfile -t lockstep-relay .
FROM debian:12-slim
COPY build/package/lockstep-relay_*_*.deb /tmp/
# apt takes what the package depends on; there is no service manager to start it.
RUN printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d \
 && apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates /tmp/lockstep-relay_*_*.deb \
 && rm -rf /var/lib/apt/lists/* /tmp/*.deb /usr/sbin/policy-rc.d \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/lockstep-relay
# No name, so that whoever runs it may choose another number.
USER 10001:10001
VOLUME /var/lib/lockstep-relay
EXPOSE 6970
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/lockstep-relay"]
CMD ["--config", "/etc/lockstep-relay/relay.toml"]
