# The image of the service: `docker build -t redis-caching-agent .`
# Bases are named by tag here and pinned by digest where the image is built for others: cloudbuild.yaml gives BUILD_IMAGE and RUNTIME_IMAGE.
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG DOCS_IMAGE=python:3.12-slim-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

# hadolint ignore=DL3006
FROM ${BUILD_IMAGE} AS build
WORKDIR /source
# Dependencies change less often than sources: a layer of their own.
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
COPY Tests Tests
# The flags are those of `make build`, and the Swift runtime is in the program: the base needs nothing of Swift. The linker's leave out what is for
# others to link against, and pack relocations (glibc 2.36 and later): a sixth less.
RUN swift build -c release --static-swift-stdlib --product redis-caching-agent \
        -Xswiftc -cross-module-optimization -Xswiftc -enforce-exclusivity=unchecked \
        -Xswiftc -use-ld=lld -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs \
    && install -D --strip "$(swift build -c release --show-bin-path)/redis-caching-agent" /image/usr/bin/redis-caching-agent \
    # The one library that the base lacks, and the record of its package, as the base keeps those of its own: scanners would not know of it otherwise.
    && install -D --mode 644 "/usr/lib/$(uname -m)-linux-gnu/libz.so.1" "/image/usr/lib/$(uname -m)-linux-gnu/libz.so.1" \
    && install -d /image/var/lib/dpkg/status.d \
    && dpkg-query --status zlib1g >/image/var/lib/dpkg/status.d/zlib1g

# hadolint ignore=DL3006
FROM ${DOCS_IMAGE} AS docs
WORKDIR /source
COPY scripts/fetch-docs-assets scripts/fetch-docs-assets
COPY Sources/Console/DocumentationAsset.swift Sources/Console/DocumentationAsset.swift
RUN ./scripts/fetch-docs-assets /image/usr/share/redis-caching-agent/docs

# hadolint ignore=DL3006
FROM ${RUNTIME_IMAGE}
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Redis Caching Layer Agent" \
      org.opencontainers.image.description="HTTP cache over Redis, with an embedded store for when it is away" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=docs /image/ /
COPY --from=build /image/ /
ENV HOST=0.0.0.0 \
    PORT=8080 \
    DOCS_DIRECTORY=/usr/share/redis-caching-agent/docs \
    SWIFT_BACKTRACE=enable=no
# By number: Cloud Run runs users that it cannot look up as root.
USER 65532:65532
EXPOSE 8080
# Cloud Run and Kubernetes have probes of their own; this is for everybody else. There is no shell and no curl in the image.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/bin/redis-caching-agent", "healthcheck"]
ENTRYPOINT ["/usr/bin/redis-caching-agent"]
CMD ["serve"]
