#!/bin/sh
# systemd takes the units as they are meant, and no protection is lost from the services.
. "$(dirname "$0")/lib.sh"
need systemd-analyze

# A complaint about a unit is one about its copy, in which the program is one that exists here.
cp tools/systemd/* "$work"
for service in rebuild serve; do
    unit=marquee-$service.service
    sed -i 's|^ExecStart=marquee |ExecStart=/bin/true |; s|^ExecReload=kill |ExecReload=/bin/true |' "$work/$unit"
    grep -q "^ExecStart=/bin/true $service " "$work/$unit" || fail "$unit does not run marquee $service"
    for setting in NoNewPrivileges=yes PrivateTmp=yes PrivateDevices=yes ProtectSystem=strict ProtectHome=yes UMask=0022 \
        CapabilityBoundingSet= MemoryDenyWriteExecute=yes 'SystemCallFilter=@system-service' \
        'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6'; do
        grep -qxF "$setting" "$work/$unit" || fail "$unit has lost $setting"
    done
done
! grep -q '^StateDirectory\|^ReadWritePaths' "$work/marquee-serve.service" || fail "marquee-serve.service may write the store"

verify() {
    systemd-analyze verify --man=no "$work"/*.service "$work"/*.timer "$work"/*.socket >"$work/said" 2>&1 && [ ! -s "$work/said" ]
}
verify || fail "systemd-analyze verify: $(cat "$work/said")"

# That it does look: a key that does not exist, a time and an address that are none.
wrong() {
    sed -i "$2" "$work/$1"
    ! verify || fail "systemd-analyze verify does not see what is wrong with $1 after $2"
    cp "tools/systemd/$1" "$work"
}
wrong marquee-rebuild.timer 's/^OnCalendar=.*/OnCalendar=whenever/'
wrong marquee-serve.socket 's/^ListenStream=.*/ListenStream=nowhere:at:all/'
echo 'NoSuchKey=yes' >>"$work/marquee-serve.service"
! verify || fail "systemd-analyze verify does not see a wrong key"
