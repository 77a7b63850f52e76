# `filmgate serve` in a container:
#
#   docker build -t filmgate .
#   docker run --rm -v filmgate:/srv/filmgate filmgate serve token add cam1 --scope write --root /srv/filmgate
#   docker run -d -p 127.0.0.1:8090:8090 -v filmgate:/srv/filmgate filmgate
#
# The port is for a proxy that speaks TLS; other verbs work as well: docker run --rm filmgate --help
FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
RUN make install DESTDIR=/out

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates libavcodec61 libavdevice61 libavformat61 libavutil59 libswresample5 libswscale8 \
        libturbojpeg0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /srv/filmgate filmgate \
    && install -d -o filmgate -g filmgate /srv/filmgate /var/cache/filmgate
COPY --from=build /out/usr/local /usr/local
ENV FILMGATE_CACHE_DIR=/var/cache/filmgate
USER filmgate
WORKDIR /srv/filmgate
VOLUME /srv/filmgate
EXPOSE 8090
ENTRYPOINT ["filmgate"]
CMD ["serve", "--root", "/srv/filmgate", "--listen", "0.0.0.0:8090", "--behind-proxy"]
