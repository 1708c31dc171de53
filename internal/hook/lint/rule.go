package lint

import "bkt/internal/hook"

// A Rule is a rule that commands of hooks must follow.
type Rule struct {
	hook.Rule
	excuse excuse
}

// An excuse makes a command harmless although it breaks a rule.
type excuse uint8

const (
	ifGuarded excuse = 1 << iota // something catches its failure, or a condition prevents it
	ifRemoved                    // the hook removes the files that it leaves
)

// Rules returns all rules, in the order of their documentation.
func Rules() []Rule {
	rule := func(name string, verdict hook.Verdict, reason, use string, e excuse) Rule {
		return Rule{hook.Rule{Name: name, Verdict: verdict, Reason: reason, Use: use}, e}
	}
	return []Rule{
		rule("append", hook.NotIdempotent, "adds to the file at every start", `grep -qxF 'LINE' FILE || echo 'LINE' >> FILE`, 0),
		rule("crontab", hook.NotIdempotent, "adds to the crontab at every start", `{ crontab -l | sed '/^LINE$/d'; echo 'LINE'; } | crontab -`, 0),
		rule("git-config-add", hook.NotIdempotent, "adds another value at every start", `git config --global --replace-all NAME VALUE '^VALUE$'`, 0),
		rule("mkdir", hook.NotIdempotent, "fails once the folder exists", `mkdir -p FOLDER`, ifGuarded|ifRemoved),
		rule("link", hook.NotIdempotent, "fails once the link exists", `ln -sfn TARGET LINK`, ifGuarded|ifRemoved),
		rule("special-file", hook.NotIdempotent, "fails once the file exists", `test -e FILE || mkfifo FILE`, ifGuarded|ifRemoved),
		rule("account", hook.NotIdempotent, "fails once the account exists", `id -u NAME >/dev/null 2>&1 || useradd NAME`, ifGuarded),
		rule("remote", hook.NotIdempotent, "fails once the remote exists", `flatpak remote-add --if-not-exists NAME URL; git remote get-url NAME || git remote add NAME URL`, ifGuarded),
		rule("clone", hook.NotIdempotent, "fails once the folder exists", `test -d FOLDER || git clone URL FOLDER`, ifGuarded|ifRemoved),
		rule("move", hook.NotIdempotent, "fails once the file has been moved", `test ! -e FILE || mv FILE PLACE`, ifGuarded),
		rule("remove", hook.NotIdempotent, "fails once the file is gone", `rm -f FILE`, ifGuarded),
		rule("asks", hook.NotIdempotent, "asks a question that nobody answers", `dnf install -y PACKAGE; better: declare the package in the manifest`, 0),
		rule("varying", hook.NotIdempotent, "writes something different at every start", `test -e FILE || COMMAND > FILE`, ifRemoved),
		rule("temporary-file", hook.NotIdempotent, "leaves one more temporary file at every start", `d=$(mktemp -d); trap 'rm -rf "$d"' EXIT`, ifRemoved),
		rule("wget-copy", hook.NotIdempotent, "leaves one more copy (NAME.1, NAME.2) at every start", `wget -O FILE URL`, ifRemoved),
		rule("pinned-version", hook.NotEquivalent, "pins a version; a new container would get a newer one", `name the channel: stable, latest, lts; or install the version in the image`, 0),
		rule("temporary-download", hook.NotEquivalent, "leaves a download in a temporary place", `test -x ~/.local/bin/NAME || curl -fsSL -o ~/.local/bin/NAME URL; or install it in the image`, ifRemoved),
		rule("curl-fail", hook.NotEquivalent, "takes a server's error page for the download", `curl -fsSL URL`, 0),
		rule("pipe-to-shell", hook.NotEquivalent, "succeeds when the download fails", `s=$(curl -fsSL URL) && sh -c "$s"`, 0),
		rule("syntax", hook.NotShell, "cannot be parsed", `a command that passes sh -n -c 'COMMAND'`, 0),
		rule("limit", hook.Unchecked, "exceeds a limit of this check", `a script in the image, which the hook runs`, 0),
	}
}

// ruleNamed returns the rule with a name, which must exist.
func ruleNamed(name string) Rule {
	for _, r := range Rules() {
		if r.Name == name {
			return r
		}
	}
	panic("lint: no rule " + name)
}
