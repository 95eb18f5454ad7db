#!/usr/bin/env bash
# The shipped policies container-host, baseline and personal-data-store, each over a host of its kind.
# shellcheck source=tests/cli/policy_tree.sh
. "$TESTS/cli/policy_tree.sh"

make_containers
id=0123456789abcdef
take container-host
in_order running logs containers images configuration kubernetes layers
has running full "/run/containerd/io.containerd.runtime.v2.task/moby/$id/config.json" "/run/runc/$id/state.json"
has logs full "/var/lib/docker/containers/$id/$id-json.log" "/var/lib/containers/storage/overlay-containers/$id/userdata/ctr.log" \
	/var/log/pods/ns_pod/c/0.log
has containers full "/var/lib/docker/containers/$id/config.v2.json" "/var/lib/docker/containers/$id/hostconfig.json" \
	"/var/lib/containers/storage/overlay-containers/$id/userdata/config.json" /var/lib/containers/storage/overlay-containers/containers.json \
	/home/alice/.local/share/containers/storage/overlay-containers/containers.json /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db
has images full /var/lib/docker/image/overlay2/repositories.json "/var/lib/docker/image/overlay2/imagedb/content/sha256/$id" \
	/var/lib/containers/storage/overlay-images/images.json
has configuration full /etc/docker/daemon.json /etc/containerd/config.toml /etc/containers/registries.conf /etc/cni/net.d/10.conf \
	/var/lib/docker/network/files/local-kv.db /home/alice/.docker/config.json /srv/shop/docker-compose.yml /srv/shop/.env \
	/root/.config/containers/systemd/evil.container
has kubernetes full /etc/kubernetes/manifests/evil.yaml /var/lib/kubelet/config.yaml
has layers metadata "/var/lib/docker/overlay2/$id/diff/usr/bin/evil" /var/lib/docker/volumes/data/_data/file \
	"/var/lib/kubelet/pods/$id/volumes/token"
is excluded layers "/var/lib/docker/overlay2/$id/merged"

# A baseline twice: one program was exchanged for another of the same size and time, and the digests tell which.
rm -rf tree
make_linux
put var/www/html/index.html
take baseline
has etc full /etc/cron.d/job
has persistence full /usr/lib/systemd/system/ssh.service /root/.ssh/authorized_keys /home/alice/.config/systemd/user/miner.timer
has packages full /var/lib/dpkg/status
has programs digest /usr/bin/tool /usr/lib/libx.so.1 /boot/vmlinuz /opt/vendor/program
has served digest /var/www/html/index.html
has file-system metadata /usr/bin/tool /var/log/auth.log
jq -c 'select(.details.digest) | [.path, .details.digest]' items.json | LC_ALL=C sort >digests
touch -r tree/usr/lib/libx.so.1 stamp
flip tree/usr/lib/libx.so.1 0
touch -r stamp tree/usr/lib/libx.so.1
expect_exit 0 vestige -C "$case" snapshot baseline.yaml --root tree
expect_exit 0 vestige -C "$case" --json ls -i analyst.key latest
jq -c '.item | select(.details.digest) | [.path, .details.digest]' "$out" | LC_ALL=C sort | diff digests - >changed || true
assert_equal '"/usr/lib/libx.so.1"' "$(sed -n 's/^> //p' changed | jq -c '.[0]')" "the program that was exchanged"

rm -rf tree
make_personal
take personal-data-store
has access-logs full /var/log/auth.log /var/log/wtmp /var/log/nginx/access.log
has records digest /srv/records/alice.json /srv/shop/customers/list.csv
has exports metadata /tmp/export.csv /home/eve/all.tar.gz /var/backups/old.sql
# Nothing of a record is in the exhibit, as it is or as a digest of its own.
expect_exit 0 vestige -C "$case" extract -i analyst.key latest -o extracted
if grep -rqF -e 123-45-6789 -e a@b.example extracted; then fail "content of a record was kept"; fi
for file in tree/srv/records/alice.json tree/tmp/export.csv; do
	assert_not_in items.json "$(sha256_of "$file")"
done
# Its examples are good once they are no comments any more.
sed -E 's/^  # (- name: .*|  .*)$/  \1/; s/^  #$//' "$policies/personal-data-store.yaml" >examples.yaml
expect_exit 0 vestige policy check examples.yaml
expect_exit 0 vestige --json policy show examples.yaml
assert_equal '["sqlite","postgres","postgres"]' "$(jq -c '[.sources[].kind | select(. != "files")]' "$out")" "kinds of the examples"
assert_equal '["customer_id","patient_id","patient_id"]' "$(jq -c '[.sources[].subject | strings]' "$out")" "subjects of the examples"
