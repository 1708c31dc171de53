package secret

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A pair is a value with the name before it.
type pair struct {
	name, value string
	class       class // of the name
	separator   byte
	spaced      bool // the separator has a blank or a quote next to it
	bare        bool // the value has no quotes
	sentence    bool // the value is a word of a sentence
}

// maxValue is how many bytes of a value are scanned.
const maxValue = 4096

// namedValues returns all NAME=VALUE, NAME: VALUE, "NAME": "VALUE" and 'NAME': <'VALUE'> in a
// text, also nested ones, whose name is that of a possible secret.
func namedValues(text string) []pair {
	var all []pair
	for i := 0; i < len(text); i++ {
		if text[i] != '=' && text[i] != ':' || text[i] == ':' && strings.HasPrefix(text[i:], "://") {
			continue
		}
		name, quoted := nameBefore(text[:i])
		class := nameClass(name)
		if class == none || class == about {
			continue
		}
		before := strings.TrimSuffix(strings.TrimRight(strings.TrimRight(text[:i], " "), `"'`), name)
		if strings.HasSuffix(before, "$") || !quoted && closesQuote(text[:i], text[i+1:]) {
			continue // the value is compared, or the text ends with the name
		}
		if inBraces(text[:i], name) {
			if rest := strings.TrimPrefix(text[i:], ":"); rest != "" && (rest[0] == '-' || rest[0] == '=') {
				value, _, _ := strings.Cut(rest[1:], "}")
				all = append(all, pair{name, value, class, '=', false, true, false})
			}
			continue
		}
		if text[i] == ':' && !quoted && strings.HasSuffix(strings.TrimSuffix(text[:i], name), "/") {
			continue // a path in a list, such as "/etc/passwd:/etc/passwd:ro"
		}
		value, skipped, bare := valueAfter(text[i+1:])
		if value != "" {
			p := pair{name, value, class, text[i], quoted || skipped, bare, false}
			if text[i] == ':' && bare && !quoted && text[i+1:] != "" {
				p.sentence = isSentence(before, value, strings.TrimPrefix(strings.TrimLeft(text[i+1:min(len(text), i+1+maxLook)], " "), value))
			}
			all = append(all, p)
			if len(all) == maxFound {
				break
			}
		}
	}
	return all
}

// isSentence reports whether a name and its value are part of a sentence, with words before
// the name in the same line, and more words after the value.
func isSentence(before, value, after string) bool {
	before = before[max(0, len(before)-maxLook):]
	before = before[strings.LastIndexAny(before, "\n'\"")+1:]
	return len(strings.Fields(before)) > 1 && isWords(before) && strings.HasPrefix(after, " ") && isWords(value)
}

// isWords reports whether a text has only letters, blanks and commas.
func isWords(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != ' ' && r != ',' })
}

// nameBefore returns the name at the end of a text.
func nameBefore(text string) (name string, quoted bool) {
	end := len(text)
	for end > 0 && (text[end-1] == ' ' || text[end-1] == '?' || text[end-1] == ':' || text[end-1] == '=') && len(text)-end < 3 {
		end--
	}
	if end > 0 && (text[end-1] == '"' || text[end-1] == '\'') {
		end--
		quoted = true
	}
	start := end
	for start > 0 && end-start < maxName && isNameByte(text[start-1]) {
		start--
	}
	if start > 0 && text[start-1] == '\\' && start < end && strings.IndexByte("nrt", text[start]) >= 0 {
		start++ // an escape of printf
	}
	return strings.TrimLeft(text[start:end], "-."), quoted
}

// closesQuote reports whether after begins with the quote at the end of a string, as in
// grep "password=".
func closesQuote(before, after string) bool {
	after = strings.TrimLeft(after, " ")
	if after == "" || after[0] != '"' && after[0] != '\'' {
		return false
	}
	line := before[max(0, len(before)-maxValue):]
	line = line[strings.LastIndexByte(line, '\n')+1:]
	return strings.Count(line, after[:1])%2 == 1
}

// inBraces reports whether the name at the end of a text is that of a variable with a
// default: ${NAME:-VALUE}.
func inBraces(text, name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(text, name), "${")
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c >= 0x80
}

// valueAfter returns the value at the beginning of a text, without quotes. skipped reports
// whether anything precedes it, bare whether it has no quotes.
func valueAfter(text string) (value string, skipped, bare bool) {
	if len(text) > maxValue {
		text = text[:maxValue]
	}
	rest := strings.TrimLeft(text, " \t")
	for _, opening := range []string{">", "<", "@s ", "@as ", "[", "(", "<"} {
		if after := strings.TrimLeft(strings.TrimPrefix(rest, opening), " "); after != rest && after != "" && strings.ContainsRune(`'"<[(@`, rune(after[0])) {
			rest = after
		}
	}
	skipped = rest != text
	if rest == "" {
		return "", skipped, true
	}
	if quote := rest[0]; quote == '"' || quote == '\'' {
		return upTo(rest[1:], quote), true, false
	}
	if strings.HasPrefix(rest, "$(") || strings.HasPrefix(rest, "${") || strings.HasPrefix(rest, "{{") {
		return rest[:closing(rest)], skipped, true
	}
	if i := strings.IndexAny(rest, " \t\r\n'\";,&|)}]>\\`"); i >= 0 {
		rest = rest[:i]
	}
	return rest, skipped, true
}

// closing returns the end of the bracket that opens first in a text.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// upTo returns a text up to a quote that is not escaped.
func upTo(text string, quote byte) string {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return text[:i]
		}
	}
	return text
}

// A quotedString is a string in the text format of GVariant.
type quotedString struct {
	text  string
	isKey bool // of a dictionary
}

func quotedStrings(text string) []quotedString {
	var all []quotedString
	for i := 0; i < len(text); i++ {
		if text[i] != '\'' && text[i] != '"' {
			continue
		}
		inner := upTo(text[i+1:], text[i])
		i += len(inner) + 1
		rest := strings.TrimLeft(text[min(i+1, len(text)):], " ")
		all = append(all, quotedString{inner, strings.HasPrefix(rest, ":")})
	}
	return all
}

// wordByte reports whether a random word may have a character.
func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+/_-=~.", c) >= 0
}

// words searches for random words. Hexadecimal words count only if hex is true: many are
// digests.
func (s *scan) words(text string, hex bool) {
	if len(text) < minWord {
		return
	}
	s.sums = strings.ToLower(text)
	for i := 0; i < len(text); {
		if !wordByte(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && wordByte(text[i]) {
			i++
		}
		if i-start >= minWord && !s.inPublic(text[:start], text[i:], text[start:i]) {
			s.word(text[:start], text[start:i], hex && !publicPrograms()[readerIn(text[i:])])
		}
	}
}

// inPublic reports whether a word is part of an address, or a public key.
func (s *scan) inPublic(before, after, word string) bool {
	if s.has(word) || strings.HasSuffix(before, ":") && strings.HasPrefix(word, "//") {
		return true
	}
	line := before[max(0, len(before)-maxLook):]
	for _, prefix := range publicPrefixes {
		if strings.HasPrefix(word, prefix) {
			return true
		}
	}
	if i := strings.LastIndex(line, "://"); i >= 0 && !strings.ContainsAny(line[i:], " \t\n'\"") {
		return true // urls scans these
	}
	if strings.HasSuffix(before, "base64,") {
		return true // usually an image
	}
	if strings.HasSuffix(before, ":") && strings.Contains(before[strings.LastIndexAny(before, " \t\n'\"=")+1:], "/") {
		return true // the tag of an image
	}
	return strings.HasPrefix(after, "@") && strings.Contains(word, "/")
}

// maxLook is how many characters around a word decide what it is.
const maxLook = 200

// publicPrefixes are the beginnings of public keys of ssh, OpenPGP and minisign, and of
// digests for browsers.
var publicPrefixes = []string{
	"AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh", "AAAAG", "AAAAI", "mQINB", "mQENB", "mQGiB", "mQGNB", "mDMEX", "mDMEY", "mDMEZ", "mDMEa",
	"xsFNB", "xsBNB", "xjMEX", "xjMEY", "xjMEZ", "RWQ", "RWR", "RWS", "RWT", "sha256-", "sha384-", "sha512-", "MIIBIjANBg", "MIICIjANBg", "MIIBojANBg",
	"MFkwEwYHKoZIzj0", "MHYwEAYHKoZIzj0", "MCowBQYDK2V", "age1",
}

// fileEnds are extensions of files, whose names may be random, too.
var fileEnds = words(`jpg jpeg png svg webp jxl avif gif heic xml desktop AppImage zip gz xz zst tar mp3 mp4 mkv ogg flac ttf otf css json
	ini conf txt pdf html rpm deb iso img so service socket py sh js repo flatpakref flatpakrepo`)

// publicPrograms are programs with hexadecimal digests as arguments.
var publicPrograms = words("git gpg gpg2 ostree rpm-ostree bootc cosign rpm rpmkeys apt-key pacman-key skopeo podman docker dnf nix nix-env hg flatpak")

// programBefore returns the program of the command that ends in a text.
func programBefore(text string) string {
	text = text[max(0, len(text)-maxLook):]
	words := program(strings.Fields(text[strings.LastIndexAny(text, ";|&(\n")+1:]))
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// readerIn returns the program that reads the output of a command. text is the rest of the
// command line.
func readerIn(text string) string {
	text = text[:min(maxLook, len(text))]
	i := strings.IndexAny(text, "|;&\n")
	if i < 0 || text[i] != '|' || strings.HasPrefix(text[i:], "||") {
		return ""
	}
	if words := program(strings.Fields(text[i+1:])); len(words) > 0 {
		return words[0]
	}
	return ""
}

func (s *scan) word(before, word string, hex bool) {
	name := before[max(0, len(before)-maxName):]
	name, _ = nameBefore(strings.TrimRight(name, `:=@#~ "'<([`))
	eq := strings.LastIndexByte(strings.TrimRight(word, "="), '=')
	if eq >= 0 {
		name, word = strings.Trim(word[:eq], "-"), word[eq+1:]
	}
	hex = hex && !publicPrograms()[programBefore(before)]
	if namesID(name) || nameClass(name) == about && name != "" || strings.HasSuffix(before, "@") && isHex(word, 32) {
		return
	}
	if fileEnds()[word[strings.LastIndexByte(word, '.')+1:]] || strings.HasSuffix(word, "=") && s.decoded(word) {
		return
	}
	if isPath(word) || strings.HasPrefix(word, "/") && !isBase64(word) {
		return
	}
	if strings.ContainsAny(word, "/+") || strings.HasSuffix(word, "=") {
		if len(word) >= 40 && isBase64(word) && entropy(word) >= 4 {
			if !s.decoded(word) {
				s.add(kindRandom, word)
			}
			return
		}
		if strings.Contains(word, "/") && (wordy(word) || strings.Contains(word, ".")) {
			return
		}
	}
	for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return strings.ContainsRune("/+=~.", r) }) {
		switch {
		case isHex(part, 32) && entropy(part) >= 2.5:
			if hex && !s.isSum(part) && hasDigit(part) && strings.ContainsAny(part, "abcdefABCDEF") {
				s.add(kindRandom, part)
			}
		case uuidPattern().MatchString(part):
		case strings.ToLower(part) == part && s.isSum(part):
		case (isBase32(part, 26) || randomWord(part)) && !s.decoded(part):
			s.add(kindRandom, part)
		}
	}
}

// The lengths of digests in the alphabet of Nix.
const (
	nixSHA1   = 32
	nixSHA256 = 52
	nixSHA512 = 103
)

// isSum reports whether a word has the length of a digest whose kind the text mentions.
func (s *scan) isSum(word string) bool {
	for kind, lengths := range map[string][]int{"md5": {32}, "sha1": {40, nixSHA1}, "sha224": {56}, "sha256": {64, nixSHA256}, "sha384": {96}, "sha512": {128, nixSHA512}, "b2sum": {128}, "shasum": {40}} {
		if slices.Contains(lengths, len(word)) && strings.Contains(s.sums, kind) {
			return true
		}
	}
	return false
}

// decoded reports whether a word is a text in base64, and thus not random. It scans the
// text.
func (s *scan) decoded(word string) bool {
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(word, "="))
	if err != nil || strings.ContainsFunc(string(text), func(r rune) bool { return r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' }) {
		return false
	}
	if userPattern().Match(text) {
		s.add("a password in base64", word)
	}
	s.formats(string(text))
	s.urls(string(text))
	s.pairs(string(text))
	return true
}

// withoutPublic returns a text without certificates and public keys.
func withoutPublic(text string) string {
	for _, what := range []string{"CERTIFICATE", "PUBLIC KEY", "PGP PUBLIC KEY BLOCK", "TRUSTED CERTIFICATE", "RSA PUBLIC KEY", "EC PUBLIC KEY", "PGP SIGNATURE"} {
		for {
			before, rest, begins := strings.Cut(text, "-----BEGIN "+what+"-----")
			_, after, ends := strings.Cut(rest, "-----END "+what+"-----")
			if !begins || !ends {
				break
			}
			text = before + after
		}
	}
	return text
}
