package hook

// A Verdict says which half of the axiom a hook breaks.
type Verdict string

const (
	NotIdempotent Verdict = "not idempotent"           // a second run fails, or leaves something else than the first
	NotEquivalent Verdict = "not bootstrap-equivalent" // a box that has run it differs from one that is made today
	NotShell      Verdict = "not a shell command"      // it cannot be parsed
)

// A Rule is something that hooks are held against.
type Rule struct {
	Name    string // such as "append"; it stays the same from version to version
	Verdict Verdict
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
		{"append", NotIdempotent, "adds to the file at every start", `grep -qxF 'LINE' FILE || echo 'LINE' >> FILE`, 0},
		{"crontab", NotIdempotent, "adds to the crontab at every start", `{ crontab -l | sed '/^LINE$/d'; echo 'LINE'; } | crontab -`, 0},
		{"git-config-add", NotIdempotent, "adds another value at every start", `git config --global --replace-all NAME VALUE '^VALUE$'`, 0},
		{"mkdir", NotIdempotent, "fails once the folder is there", `mkdir -p FOLDER`, fails | leaves},
		{"link", NotIdempotent, "fails once the link is there", `ln -sfn TARGET LINK`, fails | leaves},
		{"special-file", NotIdempotent, "fails once the file is there", `test -e FILE || mkfifo FILE`, fails | leaves},
		{"account", NotIdempotent, "fails once the account is there", `id -u NAME >/dev/null 2>&1 || useradd NAME`, fails},
		{"remote", NotIdempotent, "fails once the remote is there", `flatpak remote-add --if-not-exists NAME URL; git remote get-url NAME || git remote add NAME URL`, fails},
		{"clone", NotIdempotent, "fails once the folder is there", `test -d FOLDER || git clone URL FOLDER`, fails | leaves},
		{"move", NotIdempotent, "fails once the file has been moved", `test ! -e FILE || mv FILE PLACE`, fails},
		{"remove", NotIdempotent, "fails once the file is gone", `rm -f FILE`, fails},
		{"asks", NotIdempotent, "asks, and no one is there to answer", `dnf install -y PACKAGE; better: declare the package in the manifest`, 0},
		{"varying", NotIdempotent, "writes something else at every start", `test -e FILE || COMMAND > FILE`, leaves},
		{"temporary-file", NotIdempotent, "leaves one more temporary file at every start", `d=$(mktemp -d); trap 'rm -rf "$d"' EXIT`, leaves},
		{"wget-copy", NotIdempotent, "leaves one more copy (NAME.1, NAME.2) at every start", `wget -O FILE URL`, leaves},
		{"pinned-version", NotEquivalent, "pins a version of which a fresh box would get a newer one", `name the channel: stable, latest, lts; or install the version in the image`, 0},
		{"temporary-download", NotEquivalent, "leaves a download in a temporary place", `test -x ~/.local/bin/NAME || curl -fsSL -o ~/.local/bin/NAME URL; or install it in the image`, leaves},
		{"curl-fail", NotEquivalent, "takes the page of an error for what was asked for", `curl -fsSL URL`, 0},
		{"pipe-to-shell", NotEquivalent, "succeeds when the download fails", `s=$(curl -fsSL URL) && sh -c "$s"`, 0},
		{"syntax", NotShell, "cannot be parsed", `a command that passes sh -n -c 'COMMAND'`, 0},
	}
}

// ruleNamed returns the rule of a name, which is one of those above.
func ruleNamed(name string) Rule {
	for _, r := range Rules() {
		if r.Name == name {
			return r
		}
	}
	panic("hook: there is no rule " + name)
}
