package lint

import "bkt/internal/hook"

// A Rule is something that hooks are held against.
type Rule struct {
	Name    string // such as "append"; it stays the same from version to version
	Verdict hook.Verdict
	Reason  string // what is the matter with a command that breaks it
	Use     string // what to write instead

	nature nature
}

// A nature says what may yet make a command harmless that breaks a rule.
type nature uint8

const (
	fails  nature = 1 << iota // the command ends with an error: that someone catches it, or asks first
	leaves                    // it leaves something: that the hook removes it later
)

// Rules returns all rules, in the order in which they are documented.
func Rules() []Rule {
	return []Rule{
		{"append", hook.NotIdempotent, "adds to the file at every start", `grep -qxF 'LINE' FILE || echo 'LINE' >> FILE`, 0},
		{"crontab", hook.NotIdempotent, "adds to the crontab at every start", `{ crontab -l | sed '/^LINE$/d'; echo 'LINE'; } | crontab -`, 0},
		{"git-config-add", hook.NotIdempotent, "adds another value at every start", `git config --global --replace-all NAME VALUE '^VALUE$'`, 0},
		{"mkdir", hook.NotIdempotent, "fails once the folder is there", `mkdir -p FOLDER`, fails | leaves},
		{"link", hook.NotIdempotent, "fails once the link is there", `ln -sfn TARGET LINK`, fails | leaves},
		{"special-file", hook.NotIdempotent, "fails once the file is there", `test -e FILE || mkfifo FILE`, fails | leaves},
		{"account", hook.NotIdempotent, "fails once the account is there", `id -u NAME >/dev/null 2>&1 || useradd NAME`, fails},
		{"remote", hook.NotIdempotent, "fails once the remote is there", `flatpak remote-add --if-not-exists NAME URL; git remote get-url NAME || git remote add NAME URL`, fails},
		{"clone", hook.NotIdempotent, "fails once the folder is there", `test -d FOLDER || git clone URL FOLDER`, fails | leaves},
		{"move", hook.NotIdempotent, "fails once the file has been moved", `test ! -e FILE || mv FILE PLACE`, fails},
		{"remove", hook.NotIdempotent, "fails once the file is gone", `rm -f FILE`, fails},
		{"asks", hook.NotIdempotent, "asks, and no one is there to answer", `dnf install -y PACKAGE; better: declare the package in the manifest`, 0},
		{"varying", hook.NotIdempotent, "writes something else at every start", `test -e FILE || COMMAND > FILE`, leaves},
		{"temporary-file", hook.NotIdempotent, "leaves one more temporary file at every start", `d=$(mktemp -d); trap 'rm -rf "$d"' EXIT`, leaves},
		{"wget-copy", hook.NotIdempotent, "leaves one more copy (NAME.1, NAME.2) at every start", `wget -O FILE URL`, leaves},
		{"pinned-version", hook.NotEquivalent, "pins a version of which a fresh box would get a newer one", `name the channel: stable, latest, lts; or install the version in the image`, 0},
		{"temporary-download", hook.NotEquivalent, "leaves a download in a temporary place", `test -x ~/.local/bin/NAME || curl -fsSL -o ~/.local/bin/NAME URL; or install it in the image`, leaves},
		{"curl-fail", hook.NotEquivalent, "takes the page of an error for what was asked for", `curl -fsSL URL`, 0},
		{"pipe-to-shell", hook.NotEquivalent, "succeeds when the download fails", `s=$(curl -fsSL URL) && sh -c "$s"`, 0},
		{"syntax", hook.NotShell, "cannot be parsed", `a command that passes sh -n -c 'COMMAND'`, 0},
	}
}

// ruleNamed returns the rule of a name, which is one of those above.
func ruleNamed(name string) Rule {
	for _, r := range Rules() {
		if r.Name == name {
			return r
		}
	}
	panic("lint: there is no rule " + name)
}
