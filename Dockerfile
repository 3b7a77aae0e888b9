# Untested: there was no Docker where this was written. It builds what `cargo xtask dist` builds first.
#
#   docker build -t busbar . && docker run --rm -v "$PWD:/work" busbar run --battery ./my.yaml --out reports
FROM rust:1-bookworm AS build
WORKDIR /busbar
COPY . .
RUN cargo build --locked --profile dist -p cli

FROM debian:bookworm-slim
COPY --from=build /busbar/target/dist/busbar /usr/local/bin/busbar
WORKDIR /work
ENTRYPOINT ["busbar"]
