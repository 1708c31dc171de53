# Prepares the image in which judged hooks run.
set -eu

# git finds a repository of example.org on this disk. It is the program of the machine
# that runs the tests, without the rest of its package.
for name in git-upload-pack git-receive-pack; do
	ln -sf git "/usr/bin/$name"
done
mkdir -p /usr/share/git-core/templates /srv/git
git config --system url.file:///srv/git/.insteadOf https://example.org/
git config --system safe.directory '*'
git config --system user.name Someone
git config --system user.email someone@example.org
git config --system init.defaultBranch main
git init -q /srv/source
echo text >/srv/source/file
git -C /srv/source add file
git -C /srv/source commit -qm 'Add a file'
git -C /srv/source tag v2.0.1
git -C /srv/source tag v3.1.0
for name in gadget prezto w x kak z t y q; do
	git clone -q --bare /srv/source "/srv/git/$name.git"
done
for place in notes src/g src/x; do
	git clone -q https://example.org/x.git "/etc/skel/$place"
done
chmod -R u+w /etc/skel # so that cp can overwrite what it has copied
echo word | gzip -n >/etc/skel/words.gz

# apt finds one package.
if command -v apt-get >/dev/null; then
	mkdir -p /srv/apt/fish/DEBIAN
	cat >/srv/apt/fish/DEBIAN/control <<-END
		Package: fish
		Version: 4.0
		Architecture: all
		Maintainer: Someone <someone@example.org>
		Description: a shell
	END
	dpkg-deb --build /srv/apt/fish /srv/apt/fish.deb >/dev/null
	{
		cat /srv/apt/fish/DEBIAN/control
		echo "Filename: ./fish.deb"
		echo "Size: $(stat -c %s /srv/apt/fish.deb)"
		echo "SHA256: $(sha256sum /srv/apt/fish.deb | cut -d ' ' -f 1)"
	} >/srv/apt/Packages
	rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
	echo 'deb [trusted=yes] file:/srv/apt ./' >/etc/apt/sources.list
fi
