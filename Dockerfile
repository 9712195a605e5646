# Mulu in a container: the program, the C library that it needs, and the sample departments. No shell, no packages.
# docs/operating.md tells how to run it; tests/image/run builds it, starts a city of three nodes in it and measures it.
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS build
# Debian's own compiler: `rustc-web` follows Rust's releases where `rustc` keeps the one of Debian's release.
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        ca-certificates cargo-web gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# The profile of Cargo.toml for operators; `--build-arg PROFILE=release` builds faster and runs slower.
ARG PROFILE=dist
# Behind a proxy that opens TLS, hand its certificate over: --secret id=ca,src=FILE (PEM).
RUN --mount=type=secret,id=ca \
    --mount=type=cache,target=/cargo \
    --mount=type=cache,target=/target \
    if [ -s /run/secrets/ca ]; then export CARGO_HTTP_CAINFO=/run/secrets/ca; fi; \
    CARGO_HOME=/cargo CARGO_TARGET_DIR=/target cargo build --locked --profile "$PROFILE" --bin mulu \
    && mkdir -p /image/usr/bin \
    && cp "/target/$PROFILE/mulu" /image/usr/bin/ \
    && strip /image/usr/bin/mulu
# What the program needs beside itself: its libraries where the loader looks for them, the rules by which names are
# looked up, one user, and the licences of what is not ours.
RUN set -eu; cd /image; \
    mkdir -p etc usr/share/mulu usr/share/doc/mulu var/lib/mulu var/lib/dpkg/status.d; \
    ldd usr/bin/mulu | grep -o '/[^ ]*' | while read -r file; do \
        mkdir -p ".$(dirname "$file")"; cp -L "$file" ".$file"; \
    done; \
    for package in libc6 libgcc-s1; do \
        mkdir -p "usr/share/doc/$package"; \
        cp -L "/usr/share/doc/$package/copyright" "usr/share/doc/$package/"; \
        dpkg-query -s "$package" > "var/lib/dpkg/status.d/$package"; \
    done; \
    cp /etc/os-release etc/; \
    echo 'hosts: files dns' > etc/nsswitch.conf; \
    echo 'mulu:x:10001:10001:Mulu:/var/lib/mulu:/nonexistent' > etc/passwd; \
    echo 'mulu:x:10001:' > etc/group; \
    cp -r /build/departments /build/schemas usr/share/mulu/; \
    cp /build/LICENSE usr/share/doc/mulu/; \
    chmod -R a+rX,go-w .; \
    chmod 700 var/lib/mulu; chown 10001:10001 var/lib/mulu

FROM scratch
ARG VERSION=0.6.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Mulu" \
      org.opencontainers.image.description="A government data-directory chain: one department's node" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
# SQLite's temporary files lie with the rest: nothing is written outside the volume.
ENV PATH=/usr/bin SQLITE_TMPDIR=/var/lib/mulu
# The sample departments lie here, where `mulu init` looks for them.
WORKDIR /usr/share/mulu
USER 10001:10001
# One node's folder, as `mulu init` makes it: configuration, keys, certificate, ledger and databases.
VOLUME /var/lib/mulu
# The defaults; a node of another place has other ports (see node.toml).
EXPOSE 8401 8501 8601
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["mulu", "health", "--config", "/var/lib/mulu/node.toml"]
ENTRYPOINT ["mulu"]
CMD ["node", "--config", "/var/lib/mulu/node.toml"]
