package lint

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

const curlValued = "-o --output --output-dir -H --header -d --data --data-raw --data-binary --data-urlencode -X --request -u --user -A --user-agent -e --referer -b --cookie -c --cookie-jar -C --continue-at -E --cert -F --form -K --config -m --max-time --connect-timeout -r --range -T --upload-file -w --write-out -x --proxy -y -Y -z -Q -t -U -D --dump-header --retry --retry-delay --retry-max-time --cacert --capath --resolve --url --create-file-mode --proto --limit-rate --interface"

func (l *linter) checkCurl(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, curlValued)
	saved := l.curlFiles(o, sc)
	for _, file := range saved {
		l.checkDownload(file, sc)
	}
	checked := o.Has("-f", "--fail", "--fail-with-body", "-w", "--write-out", "-I", "--head", "--help", "-V", "--version")
	urls := append(o.Values("--url"), o.Operands...)
	ours := len(urls) > 0 && !slices.ContainsFunc(urls, func(u string) bool { return !strings.HasPrefix(u, "file:") })
	if !checked && !ours && (len(saved) > 0 || sc.writesPipe && !sc.looksAt) {
		l.report("curl-fail", sc)
	}
}

// curlFiles returns the files that curl writes.
func (l *linter) curlFiles(o command.Options, sc scope) []string {
	dir := "."
	if dirs := o.Values("--output-dir"); len(dirs) > 0 {
		dir = dirs[len(dirs)-1]
	}
	var files []string
	for _, name := range o.Values("-o", "--output") {
		if name != "-" {
			files = append(files, l.absolute(joined(dir, name)))
		}
	}
	if o.Has("-O", "--remote-name", "--remote-name-all") {
		for _, url := range append(o.Values("--url"), o.Operands...) {
			files = append(files, l.absolute(joined(dir, path.Base(url))))
		}
	}
	if len(files) == 0 && sc.stdout != "" {
		files = append(files, sc.stdout)
	}
	return slices.DeleteFunc(files, isDevice)
}

// joined returns a path relative to dir.
func joined(dir, p string) string {
	if strings.HasPrefix(p, "/") || strings.HasPrefix(p, "$") {
		return p
	}
	return path.Join(dir, p)
}

// checkDownload reports a download that is saved in a temporary place. Files of
// mktemp are left to the rule "temporary-file".
func (l *linter) checkDownload(file string, sc scope) {
	if isTemporary(file) && !strings.HasPrefix(file, mktempPrefix) {
		l.report("temporary-download", sc, file)
	}
}

func (l *linter) checkWget(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-O --output-document -P --directory-prefix -o --output-file -a --append-output -U --user-agent --header -T --timeout -t --tries -i --input-file -e --execute")
	if o.Has("--spider", "--help", "--version") {
		return
	}
	for _, name := range o.Values("-O", "--output-document") {
		if name == "-" {
			name = sc.stdout
		}
		if name != "" {
			l.checkDownload(l.absolute(name), sc)
		}
	}
	if !o.Has("-O", "--output-document") {
		l.checkWgetNames(o, sc)
	}
}

// checkWgetNames checks the files of a wget that chooses their names.
func (l *linter) checkWgetNames(o command.Options, sc scope) {
	dir := "."
	if dirs := o.Values("-P", "--directory-prefix"); len(dirs) > 0 {
		dir = dirs[0]
	}
	once := o.Has("-N", "--timestamping", "-c", "--continue", "-r", "--recursive", "-m", "--mirror")
	for _, c := range o.Values("-n") {
		once = once || c == "" // -nc and -nd are clusters that begin with n
	}
	once = once || o.Has("--no-clobber")
	for _, url := range o.Operands {
		file := l.absolute(joined(dir, path.Base(url)))
		switch {
		case isTemporary(file):
			l.checkDownload(file, sc)
		case !once && !l.isFresh(file, sc):
			l.report("wget-copy", sc, file)
		}
	}
}

func (l *linter) checkAria2c(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-d --dir -o --out -x -s -j -k")
	dir := "."
	if dirs := o.Values("-d", "--dir"); len(dirs) > 0 {
		dir = dirs[0]
	}
	name := "download"
	if names := o.Values("-o", "--out"); len(names) > 0 {
		name = names[0]
	} else if len(o.Operands) > 0 {
		name = path.Base(o.Operands[0])
	}
	l.checkDownload(l.absolute(path.Join(dir, name)), sc)
}

// checkTemporaryFile reports files of mktemp that stay.
func (l *linter) checkTemporaryFile(c command.Call, sc scope) {
	if makesTemporary(c) {
		l.report("temporary-file", sc, l.mktempName(c))
	}
}

// checkDownloadedScript reports a script that is substituted by a download: the
// shell also runs an incomplete or empty one.
func (l *linter) checkDownloadedScript(c command.Call, sc scope) {
	runs := c.Is("eval", "source", ".") || c.IsShell()
	if runs && slices.ContainsFunc(c.Words, l.substitutesDownload) {
		l.report("pipe-to-shell", sc)
	}
}

func (l *linter) substitutesDownload(w *syntax.Word) bool {
	found := false
	syntax.Walk(w, func(n syntax.Node) bool {
		switch n.(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst:
			found = found || l.downloadsIn(n)
		}
		return true
	})
	return found
}

// checkRemoteCopy reports files of another computer that are saved in a temporary place.
func (l *linter) checkRemoteCopy(c command.Call, sc scope) {
	o := command.ParseOptions(c.Args, "-P -p -i -F -o -J -l -e --rsh -S")
	n := len(o.Operands)
	if n < 2 {
		return
	}
	if slices.ContainsFunc(o.Operands[:n-1], func(a string) bool { return strings.Contains(a, ":") }) {
		l.checkDownload(l.absolute(o.Operands[n-1]), sc)
	}
}

// inQuotes are the strings in a script of another language.
var inQuotes = lazy(`'[^']*'|"[^"]*"`)

// opensToAppend finds calls that open a file to append to it, in python, ruby, perl, node and awk.
var opensToAppend = lazy(`open\([^;]*,\s*(mode=)?['"](a[bt+]*|>>[^'"]*)['"]|appendFile(Sync)?\(|print[^;]*>>\s*"`)

// checkForeignScript looks for downloads and for appending in scripts of other languages.
func (l *linter) checkForeignScript(c command.Call, sc scope) {
	text, ok := foreignScript(c)
	if !ok {
		return
	}
	if opensToAppend().MatchString(text) && !strings.Contains(text, " in ") {
		l.reportEffects("append", sc, effect{kind: adds})
	}
	if !strings.Contains(text, "://") {
		return
	}
	for _, s := range inQuotes().FindAllString(text, -1) {
		l.checkDownload(strings.Trim(s, `'"`), sc)
	}
}

// foreignScript returns the arguments of c that are a script for python, perl, ruby, node or
// awk.
func foreignScript(c command.Call) (text string, ok bool) {
	if c.Is("awk", "gawk", "mawk") {
		return strings.Join(c.Args, "\n"), len(c.Args) > 0
	}
	if !strings.HasPrefix(c.Name, "python") && !c.Is("perl", "ruby", "node") {
		return "", false
	}
	o := command.ParseOptions(c.Args, "-c -e -E")
	text = strings.Join(o.Values("-c", "-e", "-E"), "\n")
	return text, text != ""
}
