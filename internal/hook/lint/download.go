package lint

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

const curlValued = "-o --output --output-dir -H --header -d --data --data-raw --data-binary --data-urlencode -X --request -u --user -A --user-agent -e --referer -b --cookie -c --cookie-jar -C --continue-at -E --cert -F --form -K --config -m --max-time --connect-timeout -r --range -T --upload-file -w --write-out -x --proxy -y -Y -z -Q -t -U -D --dump-header --retry --retry-delay --retry-max-time --cacert --capath --resolve --url --create-file-mode --proto --limit-rate --interface"

func (l linter) curl(c call, sc scope) {
	if !c.is("curl") {
		return
	}
	o := parseOptions(c.args, curlValued)
	saved := l.curlFiles(o, sc)
	for _, file := range saved {
		l.keeps(file, sc)
	}
	checked := o.has("-f", "--fail", "--fail-with-body", "-w", "--write-out", "-I", "--head", "--help", "-V", "--version")
	urls := append(o.values("--url"), o.operands...)
	ours := len(urls) > 0 && !slices.ContainsFunc(urls, func(u string) bool { return !strings.HasPrefix(u, "file:") })
	if !checked && !ours && (len(saved) > 0 || sc.feeds) {
		l.report("curl-fail", sc)
	}
}

// curlFiles returns the files that curl writes.
func (l linter) curlFiles(o options, sc scope) []string {
	dir := "."
	if given := o.values("--output-dir"); len(given) > 0 {
		dir = given[len(given)-1]
	}
	var files []string
	for _, name := range o.values("-o", "--output") {
		if name != "-" {
			files = append(files, l.absolute(joined(dir, name)))
		}
	}
	if o.has("-O", "--remote-name", "--remote-name-all") {
		for _, url := range append(o.values("--url"), o.operands...) {
			files = append(files, l.absolute(joined(dir, path.Base(url))))
		}
	}
	if len(files) == 0 && sc.stdout != "" {
		files = append(files, sc.stdout)
	}
	return slices.DeleteFunc(files, isDevice)
}

// joined is a path as seen from dir.
func joined(dir, p string) string {
	if strings.HasPrefix(p, "/") || strings.HasPrefix(p, "$") {
		return p
	}
	return path.Join(dir, p)
}

// keeps looks at where a download is kept. What mktemp has made is the matter
// of another rule.
func (l linter) keeps(file string, sc scope) {
	if isTemporary(file) && !strings.HasPrefix(file, madeName) {
		l.report("temporary-download", sc, file)
	}
}

func (l linter) wget(c call, sc scope) {
	if !c.is("wget") {
		return
	}
	o := parseOptions(c.args, "-O --output-document -P --directory-prefix -o --output-file -a --append-output -U --user-agent --header -T --timeout -t --tries -i --input-file -e --execute")
	if o.has("--spider", "--help", "--version") {
		return
	}
	for _, name := range o.values("-O", "--output-document") {
		if name == "-" {
			name = sc.stdout
		}
		if name != "" {
			l.keeps(l.absolute(name), sc)
		}
	}
	if !o.has("-O", "--output-document") {
		l.wgetNamed(o, sc)
	}
}

// wgetNamed looks at a wget that names its files itself.
func (l linter) wgetNamed(o options, sc scope) {
	dir := "."
	if given := o.values("-P", "--directory-prefix"); len(given) > 0 {
		dir = given[0]
	}
	once := o.has("-N", "--timestamping", "-c", "--continue", "-r", "--recursive", "-m", "--mirror")
	for _, c := range o.values("-n") {
		once = once || c == "" // -nc, -nd: clusters that begin with n
	}
	once = once || o.has("--no-clobber")
	for _, url := range o.operands {
		file := l.absolute(joined(dir, path.Base(url)))
		switch {
		case isTemporary(file):
			l.keeps(file, sc)
		case !once && len(sc.guards) == 0 && !l.isFresh(file):
			l.report("wget-copy", sc, file)
		}
	}
}

func (l linter) aria2c(c call, sc scope) {
	if !c.is("aria2c") {
		return
	}
	o := parseOptions(c.args, "-d --dir -o --out -x -s -j -k")
	dir := "."
	if given := o.values("-d", "--dir"); len(given) > 0 {
		dir = given[0]
	}
	name := "download"
	if given := o.values("-o", "--out"); len(given) > 0 {
		name = given[0]
	} else if len(o.operands) > 0 {
		name = path.Base(o.operands[0])
	}
	l.keeps(l.absolute(path.Join(dir, name)), sc)
}

// temporaryFile looks for files of mktemp that stay.
func (l linter) temporaryFile(c call, sc scope) {
	if makesTemporary(c) {
		l.report("temporary-file", sc, l.madeAt(c))
	}
}

// downloadedScript looks for scripts that are downloaded where they are run:
// the shell runs what has come, be it nothing at all.
func (l linter) downloadedScript(c call, sc scope) {
	runs := c.is("eval", "source", ".") || c.isShell()
	if runs && slices.ContainsFunc(c.words, l.substitutesDownload) {
		l.report("pipe-to-shell", sc)
	}
}

func (l linter) substitutesDownload(w *syntax.Word) bool {
	found := false
	syntax.Walk(w, func(n syntax.Node) bool {
		switch n.(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst:
			found = found || l.downloads(n)
		}
		return true
	})
	return found
}
