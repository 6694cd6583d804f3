#!/bin/sh
# systemd takes the units as they are meant, and no protection is lost from the service.
. "$(dirname "$0")/lib.sh"
need systemd-analyze
service=tools/systemd/marquee-rebuild.service timer=tools/systemd/marquee-rebuild.timer

# A complaint about a unit is one about its copy, in which the program is one that exists here.
cp $timer "$work"
sed 's|^ExecStart=marquee |ExecStart=/bin/true |' $service >"$work/marquee-rebuild.service"
grep -q '^ExecStart=/bin/true rebuild ' "$work/marquee-rebuild.service" || fail "$service does not run marquee rebuild"
verify() {
    systemd-analyze verify --man=no "$work/marquee-rebuild.service" "$work/marquee-rebuild.timer" >"$work/said" 2>&1 &&
        [ ! -s "$work/said" ]
}
verify || fail "systemd-analyze verify: $(cat "$work/said")"

# That it does look: a key that does not exist, and a time that is none.
echo 'NoSuchKey=yes' >>"$work/marquee-rebuild.service"
! verify || fail "systemd-analyze verify does not see a wrong key"
sed -i '/^NoSuchKey/d' "$work/marquee-rebuild.service"
sed -i 's/^OnCalendar=.*/OnCalendar=whenever/' "$work/marquee-rebuild.timer"
! verify || fail "systemd-analyze verify does not see a wrong time"

for setting in NoNewPrivileges=yes PrivateTmp=yes PrivateDevices=yes ProtectSystem=strict ProtectHome=yes CapabilityBoundingSet= \
    MemoryDenyWriteExecute=yes 'SystemCallFilter=@system-service' 'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6' UMask=0022; do
    grep -qxF "$setting" $service || fail "$service has lost $setting"
done
