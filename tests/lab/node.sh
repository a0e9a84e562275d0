# Turns the network namespace it runs in into a machine of its own, then becomes that machine's sshd.
#
#     ip netns exec NAMESPACE unshare --mount --uts sh -eu node.sh NAME FOLDER USER_ID
#
# FOLDER shows at /run/lab, which keeps every path short (a Unix socket's may have 107 bytes) and the same wherever
# the checkout is. What daemons and logins write elsewhere goes to memory and ends with the last process, and so do
# all these mounts: the real /etc, /run, /home, /root, /tmp and /var are never changed.
name=$1 folder=$2 user=$3

mount --bind "$folder" /mnt
mount -t tmpfs -o mode=0755 runner-lab /run
mkdir /run/lab /run/sshd
mount --move /mnt /run/lab

# A copy: files bound over the machine's own would vanish when an account is added to the machine.
cp -a /etc /run/etc
for file in passwd group shadow; do
    cp -p "/run/lab/$file" "/run/etc/$file"
done
mount --bind /run/etc /etc
# vtysh writes its history into the home folder of the user who runs it: root's, when the lab asks a router.
for place in home root tmp var/log var/tmp; do
    mount -t tmpfs -o mode=1777 runner-lab "/$place"
done
chmod 0755 /home /var/log
chmod 0700 /root
install -d -m 0750 -o "$user" -g "$user" /home/lab

if [ -d /run/lab/frr ]; then
    mkdir /run/frr
    mount --bind /run/lab/run /run/frr
    mount --bind /run/lab/frr /etc/frr
fi

hostname "$name"
cd /
exec /usr/sbin/sshd -f /run/lab/sshd_config -E /run/lab/sshd.log
