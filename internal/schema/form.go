package schema

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"unicode/utf16"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/strictjson"
)

// A form says which texts a check accepts, as far as a schema can. It accepts every text
// that the check accepts: one of Values, or one that Pattern matches as a whole, if that
// also matches Also, does not match Not, and is not longer than Longest.
//
// Patterns are regular expressions in the common language of Go and JavaScript, which has no
// look-ahead.
type form struct {
	Values             []string
	Pattern, Also, Not string
	Longest            int    // in characters; 0: any length
	Says               string // what such a text is, if the check has no hint
	Loose              string // what the check also refuses, exact if empty
}

// formOf returns the form of a check: one that this package has for it, a list of values, or
// the one that the check shows (see [spelling]).
func formOf(check func(string) error) form {
	if f, ok := forms[nameOf(check)]; ok {
		return f
	}
	if must, ok := errors.AsType[strictjson.MustBe](check("\x01")); ok {
		return form{Values: must.Values}
	}
	return spelling(check)
}

// nameOf returns the name of a check in its package.
func nameOf(check func(string) error) string {
	path := strings.Split(runtime.FuncForPC(reflect.ValueOf(check).Pointer()).Name(), "/")
	_, name, _ := strings.Cut(path[len(path)-1], ".")
	return name
}

// spelling returns the form of a check that allows some characters at the beginning of a
// text and some in the rest, which are more, up to a length. The check is asked for each.
func spelling(check func(string) error) form {
	var first, rest []byte
	for c := byte(' '); c < 0x7f; c++ {
		if check(string(c)) == nil {
			first = append(first, c)
		}
	}
	if len(first) == 0 {
		panic(nameOf(check) + " needs a form: it does not accept any single character")
	}
	start := string(first[len(first)-1])
	for c := byte(' '); c < 0x7f; c++ {
		if check(start+string(c)+start) == nil {
			rest = append(rest, c)
		}
	}
	f := form{Pattern: class(first) + class(rest) + "*"}
	for n := 1; n <= 1024 && f.Longest == 0; n *= 2 {
		if check(strings.Repeat(start, n+1)) != nil {
			f.Longest = n
		}
	}
	return f
}

// class returns the class of characters, which are sorted, for a regular expression.
func class(chars []byte) string {
	var text strings.Builder
	for i := 0; i < len(chars); {
		end := i
		for end+1 < len(chars) && chars[end+1] == chars[end]+1 {
			end++
		}
		if end-i < 3 {
			end = i
		}
		text.WriteString(escapeInClass(chars[i]))
		if end > i {
			text.WriteString("-" + escapeInClass(chars[end]))
		}
		i = end + 1
	}
	return "[" + text.String() + "]"
}

func escapeInClass(c byte) string {
	if strings.IndexByte(`\]^-[`, c) >= 0 {
		return `\` + string(c)
	}
	return string(c)
}

func anchored(pattern string) string { return "^(?:" + pattern + ")$" }

// addTo adds the form to the schema of texts.
func (f form) addTo(s *schema) {
	pattern := func(p string) string {
		switch {
		case p == "":
			return ""
		case s.empty:
			return "^(?:" + p + ")?$"
		}
		return anchored(p)
	}
	message := f.Says
	if hints := hint.Of(s.check("\x01")); len(hints) > 0 {
		message = hints[0]
	}
	alternative := f.Pattern
	switch {
	case len(f.Values) == 0 || f.Pattern == "" && !s.empty:
		s.Enum, s.Pattern = f.Values, pattern(alternative)
		if s.Pattern != "" {
			s.Message = message
		}
	case f.Pattern == "": // the text may also be empty
		s.AnyOf = []*schema{{Enum: f.Values}, {MaxLength: new(int)}}
	default:
		s.AnyOf = []*schema{{Enum: f.Values}, {Pattern: pattern(alternative), Message: message}}
	}
	if f.Also != "" {
		s.AllOf = append(s.AllOf, &schema{Pattern: pattern(f.Also), Message: message})
	}
	if f.Not != "" {
		s.Not = &schema{Type: "string", Pattern: anchored(f.Not)}
	}
	if f.Longest > 0 {
		s.MaxLength = &f.Longest
	}
}

// escape returns JSON in ASCII.
func escape(text string) []byte {
	var out strings.Builder
	for _, r := range strings.TrimSpace(text) + "\n" {
		switch {
		case r < 0x7f:
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		}
	}
	return []byte(out.String())
}

// Characters in classes, after package printable: hidden ones without line breaks and tabs,
// and without joiners, which are not hidden in some languages; and blanks that are not
// hidden.
const (
	hidden  = `\x00-\x08\x0b-\x1f` + hidden8
	hidden8 = "\\x7f-\\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f"
	blank   = "\\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"

	notHidden = `[^` + hidden + `]` // also line breaks
	inLine    = `[^\n` + hidden + `]`
	black     = `[^\n` + blank + hidden + `]`
)

// line returns the pattern of a line without blanks at its ends, without the characters in
// without, and which does not begin with those in first.
func line(without, first string) string {
	return `[^\n` + first + without + blank + hidden + `](?:[^\n` + without + hidden + `]*[^\n` + without + blank + hidden + `])?`
}

// Parts of patterns.
const (
	word    = `[A-Za-z0-9_]`
	hex64   = `[0-9a-f]{64}`
	inURL   = `[A-Za-z0-9_.~:/?#\[\]@!$&'()*+,;=%{}|^\-]`
	inHost  = `[A-Za-z0-9_.~:\[\]@!$&'()*+,;=%{}|^\-]`
	segment = `(?:[^/.\n` + hidden + `]|\.[^/.\n` + hidden + `]|\.\.[^/\n` + hidden + `])[^/\n` + hidden + `]*`
	below   = segment + `(?:/` + segment + `)*`

	file = `[Ff][Ii][Ll][Ee]:/(?:(?:/|[A-Za-z0-9_.~:?#\[\]@!$&'()*+,;=%{}|^\-])` + inURL + `*)?`
	http = `[Hh][Tt][Tt][Pp][Ss]?://` + inHost + inURL + `*`
	url  = http + `|` + file
	// In a .repo file, a comma separates URLs.
	listed = `[^,]*`

	component = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`
	image     = `(?:(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?/)?` + component + `(?:/` + component + `)*(?::[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127})?`
	digest    = `@[A-Za-z][A-Za-z0-9]*(?:[\-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}`

	inVersion  = `[A-Za-z0-9_.+\-~^:]`
	inGlob     = `[A-Za-z0-9_.+\-~^:*?\[!\]]`
	firstGlob  = `[A-Za-z0-9_.+~^:*?\[!\]]`
	inName     = `[A-Za-z0-9_.+\-~^:*?\[!\]/@]`
	inProvide  = `[A-Za-z0-9_.+\-~^:*?\[!\]/@()=]`
	group      = `[A-Za-z0-9_.+~^:*?\[!\]/()](?:[A-Za-z0-9_.+\-~^:*?\[!\]/() ]*[A-Za-z0-9_.+\-~^:*?\[!\]/()])?`
	name       = `[A-Za-z0-9_/*?\[]` + inName + `*(?:\(` + inProvide + `*)?`
	comparison = name + ` (?:<|<=|=|>=|>) ` + inVersion + `+`
	rich       = `\((?:` + inProvide + `|[ <>])*`
	copr       = `@?` + word + `[A-Za-z0-9_.\-]*/` + word + `[A-Za-z0-9_.\-]*`

	unitPart = `[A-Za-z0-9_:\-.\\]`
	appPart  = `[A-Za-z_][A-Za-z0-9_]*`
	language = `[A-Za-z0-9_*][A-Za-z0-9_@.*]*`

	settingsPath = `/(?:[^/\n` + hidden + `]+/)*`
	quoted       = "(?:[^'\"`$\\\\;&|<>()#\\n" + hidden + `])*`
)

const (
	unbalanced = "brackets without their counterpart"
	notParsed  = "what is not a URL for other reasons"
)

// forms are the forms of checks that are more than a list or a spelling.
var forms = map[string]form{
	"checkAny":      {Says: "text of one line", Pattern: `[^\n` + hidden + `]*`},
	"checkText":     {Says: "text without hidden characters", Pattern: notHidden + `*`},
	"checkComment":  {Says: "text without control characters", Pattern: `[^\x00-\x08\x0b-\x1f\x7f-\x9f]*`},
	"checkLine":     {Says: "text of one line", Pattern: inLine + `*` + black + inLine + `*`},
	"checkCommand":  {Says: "text of one line", Pattern: inLine + `*` + black + inLine + `*`},
	"checkScript":   {Says: "a shell script without hidden characters", Pattern: notHidden + `*` + black + notHidden + `*`},
	"checkTrimmed":  {Says: "text of one line, without blanks at its ends", Pattern: line(``, ``)},
	"checkArgument": {Says: "text of one line, without blanks at its ends, that does not begin with \"-\"", Pattern: line(``, `\-`)},
	"checkFileName": {Says: "the name of a file, without folders", Pattern: line(`/`, ``), Not: `\.\.?`},

	"checkSettingsValue": {Pattern: line(``, ``)},
	"checkSettingsKey":   {Pattern: line(`/ \t`, `\-`)},
	"checkSettingsPath":  {Pattern: settingsPath},

	"checkAppImage": {Says: "the name of a file, without folders, that does not begin with \".\" or \"-\"", Pattern: line(`/`, `.\-`)},
	"checkGitHub":   {Pattern: word + `[A-Za-z0-9_\-]*/[A-Za-z0-9_.][A-Za-z0-9_.\-]*`, Not: `.*/\.\.?`, Loose: "parts longer than 256 characters"},

	"checkHomePath":      {Says: "a path that begins with \"/\" or \"~/\"", Pattern: `~?/(?:` + inLine + `*` + black + `)?`},
	"checkProgram":       {Says: "the path of a program, which begins with \"/\" or \"~/\"", Pattern: `~?/` + inLine + `*[^/\n` + blank + hidden + `]`},
	"checkProgramFolder": {Says: "the path of a folder, which begins with \"/\" or \"~/\"", Pattern: `~?/(?:` + inLine + `*` + black + `)?`, Not: `/usr/bin/?`, Loose: "other paths of /usr/bin"},
	"checkPathEntry":     {Pattern: `\$PATH|[/~](?:[^:\n` + hidden + `]*[^:\n` + blank + hidden + `])?`},

	"checkAbsolute":         {Says: "a path in the image, which begins with \"/\" and has no part like \"..\"", Pattern: `(?:/` + segment + `)+`, Also: line(``, ``)},
	"checkDest":             {Says: "a path in the image, which begins with \"/\" and has no part like \"..\"", Pattern: `/|(?:/` + segment + `)+`, Also: line(``, ``)},
	"checkInstallationPath": {Pattern: `/|(?:/` + segment + `)+`, Also: line(``, ``)},
	"checkBelow":            {Says: "a relative path without parts like \"..\"", Pattern: below, Also: line(``, ``)},
	"checkState":            {Says: "a path in the home, such as \"~/.rustup\"", Pattern: `~/` + below, Also: `~/` + line(``, ``)},
	"checkOptPath":          {Pattern: `(?:/opt/)?` + below, Also: `(?:/opt/)?` + line(``, `/`)},
	"checkSystemSource":     {Pattern: `(?:\./)?(?:system/)?` + below, Also: `(?:\./)?(?:system/)?` + line(``, ``), Not: `\./\.git(?:/.*)?`, Loose: "a second blank after system/"},
	"checkMode":             {Pattern: `[0-7]{3,4}|0[0-7]{4}`},

	"checkExportFlags": {Says: "words with blanks between them; a word with a blank is in single quotes", Pattern: quoted + `(?:'` + quoted + `'` + quoted + `)*`, Also: line(``, ``)},
	"checkAppFlags":    {Says: "words with blanks between them; a word with a blank is in single quotes", Pattern: quoted + `(?:'` + quoted + `'` + quoted + `)*`, Also: line(`%`, ``)},
	"checkAppLabel":    {Says: "text of one line without the characters | & \\ %", Pattern: line(`|&\\%`, `\-`)},

	"checkURL":       {Says: "a URL that begins with https://, http:// or file:///", Pattern: url, Loose: notParsed},
	"checkBaseURL":   {Says: "a URL that begins with https://, http:// or file:///, without a comma", Pattern: url, Also: listed, Loose: notParsed},
	"checkRemoteURL": {Says: "a URL that begins with https://, http://, file:///, oci+https:// or oci+http://", Pattern: `(?:[Oo][Cc][Ii]\+)?` + http + `|` + file, Loose: notParsed},
	"checkSource":    {Values: []string{"ego", "system", "unknown"}, Pattern: url, Loose: notParsed},
	"checkSHA256":    {Pattern: hex64},
	"checkDigest":    {Pattern: `sha256:` + hex64},

	"checkImageName": {Pattern: image, Loose: "a name of 64 hexadecimal digits"},
	"checkContainerImage": {
		Pattern: `(?:containers-storage|docker-archive|docker-daemon|dir|oci-archive|oci):(?:[^\n` + blank + hidden + `]*)|(?:docker://)?(?:` + image + `(?:` + digest + `)?)`,
		Loose:   "digests of the wrong length",
	},
	"checkStage":    {Pattern: `[A-Za-z][A-Za-z0-9_.\-]*`, Not: `[Ss][Cc][Rr][Aa][Tt][Cc][Hh]|[Cc][Oo][Nn][Tt][Ee][Xx][Tt]`, Longest: 256},
	"checkPlatform": {Values: []string{"linux/amd64", "linux/arm64"}, Pattern: `linux/(?:386|amd64|arm|arm64|loong64|mips64le|ppc64le|riscv64|s390x)(?:/` + word + `+)?`, Loose: "longer variants"},

	"checkHookRule": {Values: manifest.HookRules},
	"checkUnit": {
		Pattern: `[A-Za-z0-9_:.\\]` + unitPart + `*(?:@[A-Za-z0-9_:\-.\\@]*)?\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope)`,
		Longest: 255,
	},
	"checkVariableName": {Says: "the name of a variable", Pattern: `[A-Za-z_][A-Za-z0-9_]*`, Longest: 256},
	"checkVariable":     {Says: "the name of a variable other than PATH", Pattern: `[A-Za-z_][A-Za-z0-9_]*`, Not: `PATH`, Longest: 256},
	"checkKarg":         {Pattern: `[^" \n\t` + hidden + `]*(?:"[^"\n\t` + hidden + `]*"[^" \n\t` + hidden + `]*)*`, Also: `"*[^"=].*`, Loose: "unusual blanks at the ends"},

	"checkArchitecture": {Pattern: word + `[A-Za-z0-9_\-]*`, Not: `amd64|arm64|386`, Longest: 256},
	"checkRepoID":       {Pattern: word + `[A-Za-z0-9_\-.:]*`, Not: `main`, Longest: 256},
	"checkRepo":         {Pattern: copr + `|` + word + `[A-Za-z0-9_\-.:]*`, Longest: 256},
	"checkCopr":         {Pattern: copr, Longest: 256},
	"checkChroot":       {Pattern: word + `[A-Za-z0-9_.+$\-]*-(?:\$basearch|\$arch|` + chrootArch + `)|` + chrootArch, Longest: 256},
	"checkPackage": {
		Pattern: `@` + group + `|` + name + `|` + comparison + `|` + rich,
		Not:     `[^@].*://.*|[^@].*\.rpm`, Longest: 256, Loose: unbalanced,
	},
	"checkGroup":      {Pattern: `@?` + group, Longest: 256},
	"checkExcluded":   {Pattern: firstGlob + inGlob + `*`, Longest: 256, Loose: unbalanced},
	"checkOwnPackage": {Pattern: firstGlob + inGlob + `*`, Longest: 256, Loose: unbalanced},
	"checkLock":       {Pattern: firstGlob + inGlob + `*`, Longest: 256, Loose: unbalanced},

	"checkScope":      {Says: "\"system\", \"user\", or \"installation=\" and a name", Values: []string{string(manifest.ScopeSystem), string(manifest.ScopeUser)}, Pattern: `installation=` + word + `[A-Za-z0-9_.\-]*`, Loose: "longer names"},
	"checkAppID":      {Pattern: appID, Loose: "parts longer than 256 characters"},
	"checkOverridden": {Values: []string{manifest.Global}, Pattern: appID, Loose: "parts longer than 256 characters"},
	"checkOverride":   {Pattern: `--(?:env=[^\x00-\x08\x0b\x0c\x0e-\x1f` + hidden8 + `]+|[A-Za-z0-9_][A-Za-z0-9_\-]*=` + inLine + `+)`, Not: `--(?:installation|env-fd)=.*`, Loose: "longer names"},
	"checkCommit":     {Pattern: `[0-9a-f]{7,64}`},
	"checkStorage":    {Says: "a kind of storage", Values: []string{"network", "mmc", "sdcard", "harddisk"}, Pattern: word + `+`, Longest: 256},
	"checkPattern":    {Pattern: `[A-Za-z0-9_*][A-Za-z0-9_.\-*]*(?:/[A-Za-z0-9_.\-*]*){0,3}`, Longest: 256},
	"checkPin":        {Pattern: `[A-Za-z0-9_*][A-Za-z0-9_.\-*]*(?:/[A-Za-z0-9_.\-*]*){0,3}`, Not: `app(?:/.*)?`, Longest: 256},
	"checkLanguages":  {Pattern: language + `(?:;` + language + `)*;?`, Loose: "longer names"},

	// The schema of a setting may have the path, too.
	"checkSettingsSchema": {Pattern: `(?:` + word + `[A-Za-z0-9_.\-]*)?(?::` + settingsPath + `)?`, Loose: "a colon alone, and longer names"},
}

const (
	appID      = appPart + `(?:\.` + appPart + `)+\.[A-Za-z_\-][A-Za-z0-9_\-]*`
	chrootArch = `(?:x86_64|x86_64_v2|aarch64|i386|i686|ppc64le|riscv64|s390x)`
)
