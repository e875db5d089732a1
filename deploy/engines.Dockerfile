# Virtuoso and HAProxy as Debian 12 packages them: the same that the tests run, with the same configuration.
# compose.virtuoso.yaml and compose.haproxy.yaml build what they need of it.
FROM debian:12-slim AS virtuoso
RUN apt-get update && \
    apt-get install -y --no-install-recommends virtuoso-opensource-7-bin && \
    rm -rf /var/lib/apt/lists/* && \
    install -d -o 10002 -g 10002 /database
COPY deploy/virtuoso.ini deploy/virtuoso.sh deploy/healthy.sh /etc/shisaku/
USER 10002:10002
WORKDIR /database
EXPOSE 8890
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
    CMD ["/etc/shisaku/healthy.sh", "8890", "/sparql?query=ASK%7B%7D"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/etc/shisaku/virtuoso.sh", "/etc/shisaku/virtuoso.ini"]

FROM debian:12-slim AS haproxy
RUN apt-get update && \
    apt-get install -y --no-install-recommends haproxy && \
    rm -rf /var/lib/apt/lists/*
COPY deploy/haproxy.cfg deploy/healthy.sh /etc/shisaku/
USER 10003:10003
EXPOSE 8080
# 503 while no server is ready.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
    CMD ["/etc/shisaku/healthy.sh", "8080", "/readyz"]
# It ends when the requests that it has are answered.
STOPSIGNAL SIGUSR1
ENTRYPOINT ["/usr/sbin/haproxy", "-db", "-f", "/etc/shisaku/haproxy.cfg"]
