# A device without a screen that mounts nothing: a copy that is always on, or mirrors into volumes.
#   ./dev package && docker build -f installers/containers/device.Dockerfile -t lockstep-device .
#   docker run -d --name copy -v copy:/var/lib/lockstep lockstep-device
#   docker exec -i copy lockstep join - < ticket
FROM debian:12-slim
COPY build/package/lockstep_*_*.deb /tmp/
COPY --chmod=0755 installers/containers/join-once /usr/libexec/lockstep/join-once
RUN printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d \
 && apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates /tmp/lockstep_*_*.deb \
 && rm -rf /var/lib/apt/lists/* /tmp/*.deb /usr/sbin/policy-rc.d \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/lockstep
USER 10001:10001
ENV LOCKSTEP_HOME=/var/lib/lockstep LOCKSTEP_NO_MOUNT=true LOCKSTEP_LISTEN_PORT=22100
VOLUME /var/lib/lockstep
EXPOSE 22100
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=10s --start-period=5m CMD ["/usr/bin/lockstep", "status", "--json"]
ENTRYPOINT ["/usr/bin/lockstepd"]
