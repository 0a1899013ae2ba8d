# What the checks of the repository need: the Swift image has neither make nor Python (https://github.com/swiftlang/swift-docker, 6.3/debian/12).
# deploy/steps/tools builds it if it is new, and cloudbuild.yaml runs the checks in it.
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG TERRAFORM_IMAGE=hashicorp/terraform:1.11.4

# hadolint ignore=DL3006
FROM ${TERRAFORM_IMAGE} AS terraform

# hadolint ignore=DL3006
FROM ${BUILD_IMAGE}
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        make python3 python3-venv redis-server openssl prometheus chromium curl nghttp2-client \
    && rm -rf /var/lib/apt/lists/*
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
