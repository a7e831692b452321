SUMMARY = "Neighbourhood watch for EV chargers"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

SRC_URI = "file://kerbwatch.cjs file://kerbwatch.service file://kerbwatch.socket file://kerbwatch.sysusers \
    file://kerbwatch.tmpfiles"
S = "${WORKDIR}"

RDEPENDS:${PN} = "nodejs"
inherit systemd useradd

USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --home-dir /var/lib/kerbwatch --shell /sbin/nologin kerbwatch"
SYSTEMD_SERVICE:${PN} = "kerbwatch.socket kerbwatch.service"
SYSTEMD_AUTO_ENABLE = "disable"

do_install() {
    install -D -m 0644 ${WORKDIR}/kerbwatch.cjs ${D}${libdir}/kerbwatch/kerbwatch.cjs
    install -d ${D}${bindir}
    printf '#!/bin/sh\nexec /usr/bin/node %s %s "$@"\n' \
        "--max-semi-space-size=1 --max-old-space-size=48 --no-turbofan --no-maglev" \
        ${libdir}/kerbwatch/kerbwatch.cjs > ${D}${bindir}/kerbwatch
    chmod 0755 ${D}${bindir}/kerbwatch
    install -D -m 0644 ${WORKDIR}/kerbwatch.service ${D}${systemd_system_unitdir}/kerbwatch.service
    install -D -m 0644 ${WORKDIR}/kerbwatch.socket ${D}${systemd_system_unitdir}/kerbwatch.socket
    install -D -m 0644 ${WORKDIR}/kerbwatch.sysusers ${D}${nonarch_libdir}/sysusers.d/kerbwatch.conf
    install -D -m 0644 ${WORKDIR}/kerbwatch.tmpfiles ${D}${nonarch_libdir}/tmpfiles.d/kerbwatch.conf
    install -d -m 0700 ${D}${sysconfdir}/kerbwatch/credentials
}

FILES:${PN} += "${nonarch_libdir}/sysusers.d ${nonarch_libdir}/tmpfiles.d"
