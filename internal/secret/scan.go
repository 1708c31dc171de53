package secret

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A scan searches the texts of one item for secrets.
type scan struct {
	setting string // the key of an item that is a setting
	typed   bool   // the text is a GVariant, with strings in quotes
	where   string // the field, variable or option of the text
	sums    string // the text in lower case, for the names of digests
	found   []finding
}

// maxFound is the maximum number of findings.
const maxFound = 1000

func (s *scan) add(kind, value string) {
	if len(s.found) < maxFound {
		s.found = append(s.found, finding{kind, s.where, value})
	}
}

// addNamed adds a value that was found by its name.
func (s *scan) addNamed(kind, name, value string) {
	where := s.where
	if name == s.setting {
		name = "" // it is the name of the item
	}
	if !strings.Contains(where, name) && shownName(name) {
		where = strings.TrimSpace(where + " " + name)
	}
	if len(s.found) < maxFound {
		s.found = append(s.found, finding{kind, where, value})
	}
}

const (
	kindNamed  = "a value that is named like a secret"
	kindRandom = "a random word"
	kindOption = "a password among the arguments of a program"
)

// safeFields are fields with digests or public keys.
var safeFields = words(`sha256 commit digest fingerprint $schema`)

// plainFields are fields with names, which are not secrets.
var plainFields = words(`id app remote scope branch name image unit state asset repo version schema key path hosts packages exported_apps subset
	gpg_key from to also exclude found volatile as image_id volume imageid stamp mounts source destination file sum`)

// field scans the text of a field. The name of the field decides how.
func (s *scan) field(path []string, text string) {
	field := ""
	if len(path) > 0 {
		field = path[len(path)-1]
	}
	s.where = field
	if field == "run" && len(path) > 1 {
		s.where = path[len(path)-2]
	}
	if strings.Contains(text, "-----BEGIN ") {
		text = withoutPublic(text)
	}
	switch {
	case text == "" || safeFields()[field]:
	case len(path) > 1 && path[len(path)-2] == "env":
		s.env(field, text)
	case field == "flags", field == "overrides", field == "additional_flags":
		s.flag(text)
	case field == "value":
		s.value(text)
	case field == "comment":
		s.prose(text)
	case field == "url", field == "source":
		s.formats(text)
		s.urls(text)
	case field == "volume":
		s.formats(text)
		s.pairs(strings.ReplaceAll(text, ":", " ")) // its options
	case field == "", plainFields()[strings.ToLower(field)]:
		s.formats(text)
		s.urls(text)
	default:
		s.command(text)
	}
}

// env scans a variable of an environment. If its name is that of a secret, its value is one
// unless it is recognized as something else.
func (s *scan) env(name, value string) {
	s.where = strings.TrimSpace("env " + name)
	if !shownName(name) {
		s.where = "env"
	}
	before, class := len(s.found), nameClass(name)
	s.text(value, class)
	if len(s.found) > before {
		return
	}
	switch {
	case isSecret(class, value), class == weak && namesLogin(name) && isLogin(value):
		s.add(kindNamed, value)
	case class != about && keyPattern().MatchString(value) && !namesID(name):
		s.add("an identifier like those that are keys of an API", value)
	case class != about && len(value) >= minWord:
		s.words(value, !namesID(name))
	}
	if strings.ContainsAny(value, " ") {
		s.arguments(value)
	}
}

// flag scans an option of "flatpak override" or of podman.
func (s *scan) flag(text string) {
	for _, option := range []string{"--env=", "--env ", "-e ", "-e="} {
		rest, ok := strings.CutPrefix(text, option)
		rest = strings.Trim(strings.TrimSpace(rest), `"'`)
		if name, value, isPair := strings.Cut(rest, "="); ok && isPair && !strings.ContainsAny(name, " -") {
			s.env(name, value)
			return
		}
	}
	if strings.HasPrefix(text, "--secret=") || strings.HasPrefix(text, "--secret ") {
		return // the name of a secret of podman
	}
	if rest, ok := strings.CutPrefix(text, "--entry=["); ok {
		if _, entry, ok := strings.Cut(rest, "]"); ok {
			text = entry
		}
	}
	if option, _, _ := strings.Cut(text, "="); plainOptions()[option] {
		if option == "--mount" || option == "--volume" {
			s.pairs(strings.ReplaceAll(text, ":", " ")) // its options
		}
		return
	}
	s.text(text, none)
	s.arguments("podman " + text)
	s.words(text, true)
}

// plainOptions are options whose values are names and folders.
var plainOptions = words(`--filesystem --nofilesystem --talk-name --own-name --system-talk-name --system-own-name --unset-env --persist --share
	--unshare --socket --nosocket --device --nodevice --add-policy --remove-policy --no-talk-name --system-no-talk-name
	--allow --disallow --volume --mount`)

// value scans the value of a setting, in the text format of GVariant.
func (s *scan) value(text string) {
	s.where = ""
	class := nameClass(s.setting)
	s.typed = true
	s.text(text, class)
	s.typed = false
	if strings.ContainsAny(text, `'"`) {
		s.strings(text, class)
	}
	if strings.Contains(text, " -") {
		s.arguments(strings.Trim(text, `'"`))
	}
}

// strings scans the strings in the value of a setting. The name of a string is its key in a
// dictionary or, without one, the key of the setting.
func (s *scan) strings(text string, class class) {
	key := ""
	for _, q := range quotedStrings(text) {
		if q.isKey {
			key = q.text
			continue
		}
		of, name := class, s.setting
		if key != "" && !generic()[key] {
			if c := nameClass(key); c != none || benign()[strings.ToLower(key)] {
				of, name = c, key
			}
		}
		key = ""
		if strings.HasPrefix(q.text, "{") || strings.HasPrefix(q.text, "[") || s.has(q.text) {
			continue
		}
		switch {
		case isSecret(of, q.text) && !named(q.text, of):
			s.addNamed(kindNamed, name, q.text)
		case of != about && len(q.text) >= minWord:
			// Hexadecimal digits alone are a key; within a text they are an
			// identifier of a program.
			s.words(q.text, !namesID(name) && (of >= weak || !strings.ContainsAny(q.text, ` \`)))
		}
	}
}

// has reports whether a text is a finding, or contains one that is long enough not to be in
// it by chance.
func (s *scan) has(text string) bool {
	return slices.ContainsFunc(s.found, func(f finding) bool {
		return f.value == text || len(f.value) >= minToken && strings.Contains(text, f.value)
	})
}

// prose scans a text for people.
func (s *scan) prose(text string) {
	s.formats(text)
	s.urls(text)
	for _, m := range nextPattern().FindAllStringSubmatch(text, -1) {
		value := strings.Trim(cmp.Or(m[2], m[3]), `'".,;`)
		if isDigits := strings.Trim(value, "0123456789") == ""; hasDigit(value) && len(value) > 3 && (!isDigits || strings.EqualFold(m[1], "pin")) || m[3] != "" {
			s.addNamed(kindNamed, m[1], value)
		}
	}
	for _, m := range saidPattern().FindAllStringSubmatch(text, -1) {
		name, separator, value := m[1], m[2], strings.Trim(m[3], `'".,;`)
		rest := strings.TrimRight(m[4], " .")
		class := nameClass(name)
		sure := strings.ContainsAny(value, "0123456789!$%&#") || strings.HasPrefix(m[3], `"`) || strings.HasPrefix(m[3], "'")
		alone := rest == "" && (len(value) >= 6 || separator == "=") && (separator == ":" || separator == "=")
		if isSecret(class, value) && (sure || alone && class == strong) && class != about {
			s.addNamed(kindNamed, name, value)
		}
	}
	for _, m := range remotePattern().FindAllStringSubmatch(text, -1) {
		if value := strings.Trim(m[2], `'".,;`); hasDigit(value) && hasLetter(value) && !isReference(value) && !s.has(value) {
			s.addNamed(kindNamed, m[1], value)
		}
	}
	s.words(text, slices.ContainsFunc(strings.Fields(text), func(w string) bool { return nameClass(w) >= weak }))
}

// command scans a command of a shell, or a similar text.
func (s *scan) command(text string) {
	s.text(text, none)
	s.arguments(text)
	s.words(text, true)
}

// text searches for secrets by their format, by their place in a URL, and by the name
// before them. class is the class of the name of the text.
func (s *scan) text(text string, class class) {
	s.formats(text)
	s.urls(text)
	if class == about && !strings.ContainsAny(text, " {") {
		return
	}
	for range 3 { // texts may be quoted several times
		s.pairs(text)
		s.elements(text)
		s.headers(text)
		if !strings.Contains(text, `\"`) && !strings.Contains(text, `\'`) && !strings.Contains(text, `\u00`) {
			return
		}
		text = unquoter.Replace(text)
	}
}

var unquoter = strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`, `\u0026`, "&", `\u003d`, "=", `\u003c`, "<", `\u003e`, ">")

// pairs scans each value with a name before it.
func (s *scan) pairs(text string) {
	for _, p := range namedValues(text) {
		if !isSecretOf(p.name, p.class, p.value) || p.sentence || p.name == "Secret" && strings.Contains(text, "[Container]") {
			continue // such as the name of a secret of podman
		}
		if p.separator == ':' && !p.spaced && (p.class != strong || !passwordLike(p.name) && !hasDigit(p.value)) {
			continue // such as a scope, or the tag of an image
		}
		if p.separator == ':' && p.bare && s.typed && numberPattern().MatchString(p.value) {
			continue // a number with its type before it
		}
		if !s.has(p.value) {
			s.addNamed(kindNamed, p.name, p.value)
		}
	}
}

// elements scans elements of XML.
func (s *scan) elements(text string) {
	for _, m := range matches(elementPattern, text, "</") {
		if isSecret(nameClass(m[1]), m[2]) && !s.has(m[2]) {
			s.addNamed(kindNamed, m[1], m[2])
		}
	}
}

// headers scans headers of HTTP with credentials.
func (s *scan) headers(text string) {
	for _, m := range matches(authPattern, text, "uthorization", "UTHORIZATION", "earer ", "EARER ", "asic ", "ASIC ") {
		if v := strings.TrimRight(cmp.Or(m[1], m[2]), `'"`); !isReference(v) && (m[1] != "" || runs(v) >= minRuns || hasDigit(v)) && !s.has(v) {
			s.add("a password of HTTP", v)
		}
	}
	for _, m := range matches(cookiePattern, text, "ookie:", "OOKIE:") {
		if !isReference(m[1]) {
			s.add("a cookie", m[1])
		}
	}
}

// pattern returns a function that returns a regular expression, and compiles it at the first
// call: bkt starts faster if it needs none.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// matches returns the matches of a pattern in a text that has one of some words. Most texts
// have none, and searching for words takes less time.
func matches(pattern func() *regexp.Regexp, text string, words ...string) [][]string {
	for _, w := range words {
		if strings.Contains(text, w) {
			return pattern().FindAllStringSubmatch(text, -1)
		}
	}
	return nil
}

var (
	uuidPattern    = pattern(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	numberPattern  = pattern(`^<?(u?int[0-9]+|byte|double|handle|@\S+|[0-9.+-]+)>?$`)
	userPattern    = pattern(`^[A-Za-z0-9_.@+-]+:[^\s:/@$]+$`)
	keyPattern     = pattern(`(?i)^([a-z]+_)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(:[a-z]+)?$`)
	saidPattern    = pattern(`(?i)([\pL_.-]+)["']?\s*(?:(:|=)|\s(?:is|ist|lautet))\s*(\S+)([^\n]*)`)
	nextPattern    = pattern(`(?i)\b(password|passwort|passwd|pw|pin|passphrase|pass)\s+(\S+)|["']([^"'\s]{4,})["']\s+(?:is|ist)\s+(?:the|my|das|mein)\s+(?:password|passwort|pin|passphrase|token|secret)`)
	remotePattern  = pattern(`(?i)\b(password|passwort|passwd|pw|pin|passphrase)\s(?:for|of|für|von)\s[^:=\n]{1,30}[:=]\s*(\S{6,})`)
	authPattern    = pattern(`(?i)authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest|apikey|bot)\s+)?([^\s"']+)|\b(?:bearer|basic)\s+([A-Za-z0-9+/_.=~-]{12,})`)
	elementPattern = pattern(`<([A-Za-z][A-Za-z0-9_.:-]*)(?:\s[^<>]*)?>\s*([^<>\s]+)\s*</`)
	cookiePattern  = pattern(`(?i)\bcookie:\s*([^\s"'=;]+=[^\s"']{6,})`)
)
