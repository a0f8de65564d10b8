#!/bin/sh
# Runs a static program on an emulated processor with AVX-512: Debian's kernel under Bochs, with nothing but busybox, the program and
# the tests' fixtures in its initial file system. What the program prints is copied here; its exit status is this script's.
#   tests/cross/bochs.sh FOLDER PROGRAM [NAME=VALUE ...]    the machine's files go to FOLDER; NAME=VALUE is in its environment
# Bochs runs some 20 million instructions a second, so a second of computing takes minutes, and the kernel starts within one or two.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 FOLDER PROGRAM [NAME=VALUE ...]" >&2; exit 2; }
folder=$1 program=$2
shift 2
kernel=${KERNEL:-$(ls -t /boot/vmlinuz-* 2>/dev/null | head -n 1)}

need() {
    [ -e "$1" ] || command -v "$1" >/dev/null || { echo "$0 needs $1 (Debian: $2)" >&2; exit 1; }
}
need bochs bochs
need /usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_rfb_gui.so bochs-term
need /usr/share/bochs/BIOS-bochs-latest bochsbios
need /bin/busybox busybox-static
need cpio cpio
need xorriso xorriso
need /usr/lib/ISOLINUX/isolinux.bin isolinux
need /usr/lib/syslinux/modules/bios/ldlinux.c32 syslinux-common
need "${kernel:-a kernel in /boot or KERNEL}" linux-image-cloud-amd64

rm -rf "$folder"
mkdir -p "$folder/root/bin" "$folder/disc/isolinux"
folder=$(cd "$folder" && pwd)
cp /bin/busybox "$folder/root/bin/"
strip -o "$folder/root/bin/program" "$program"
cp -r "$(dirname "$0")/../fixtures" "$folder/root/"
{
    echo '#!/bin/busybox sh'
    echo '/bin/busybox mkdir -p /proc /dev /tmp'
    echo '/bin/busybox mount -t proc proc /proc'
    echo '/bin/busybox mount -t devtmpfs dev /dev'
    for pair in CNN_TEST_FIXTURES=/fixtures "$@"; do
        echo "export '$pair'"
    done
    echo '/bin/program'
    echo '/bin/busybox echo "exit status $?"'
    echo '/bin/busybox poweroff -f'
} >"$folder/root/init"
chmod +x "$folder/root/init"
(cd "$folder/root" && find . | cpio -o -H newc --quiet | gzip -1) >"$folder/disc/isolinux/initrd"
cp "$kernel" "$folder/disc/isolinux/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$folder/disc/isolinux/"

# 321 and 323 are XSAVEC and XSAVES: Bochs 2.7 reports their sizes so that Linux gives up on AVX altogether.
cat >"$folder/disc/isolinux/isolinux.cfg" <<'CONFIG'
DEFAULT linux
LABEL linux
KERNEL vmlinuz
INITRD initrd
APPEND console=ttyS0 quiet panic=-1 mitigations=off clearcpuid=321,323
CONFIG
xorriso -as mkisofs -quiet -o "$folder/disc.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
    -boot-load-size 4 -boot-info-table "$folder/disc" 2>"$folder/xorriso.log"
cat >"$folder/bochsrc" <<CONFIG
megs: 2048
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$folder/disc.iso, status=inserted
boot: cdrom
cpu: model=corei7_skylake_x, count=1, ips=30000000
clock: sync=none
com1: enabled=1, mode=file, dev=$folder/console
display_library: rfb, options="timeout=0"
log: $folder/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
CONFIG
echo c >"$folder/continue" # Debian's Bochs starts in its debugger
bochs -q -f "$folder/bochsrc" -rc "$folder/continue" </dev/null >"$folder/bochs.out" 2>&1 || true

status=$(sed -n 's/^exit status \([0-9]*\).*/\1/p' "$folder/console" | tail -n 1)
grep -v '^\[ *[0-9]*\.[0-9]*\] \|^exit status ' "$folder/console" || true
[ -n "$status" ] || { echo "$0: $program did not end; see $folder/console and $folder/bochs.out" >&2; exit 1; }
exit "$status"
