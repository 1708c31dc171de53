package gsettings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/strictjson"
)

// A key is the definition of a key in a schema.
type key struct {
	standard   gvariant.Value
	byDesktop  map[string]gvariant.Value // other defaults
	translated bool                      // the default may differ in the user's language
	choices    []string                  // of strings: the only allowed ones
	limits     []gvariant.Value
}

var errKey = errors.New("the schema has an unknown format")

// newKey reads a key from the file of schemas: the default and then the options, each
// with a letter for its kind.
func newKey(v gvariant.Value) (*key, error) {
	if !strings.HasPrefix(v.Type(), "(") || len(v.Inner()) == 0 {
		return nil, errKey
	}
	k := &key{standard: v.Inner()[0]}
	for _, option := range v.Inner()[1:] {
		parts := option.Inner()
		if len(parts) != 2 || parts[0].Type() != "y" {
			return nil, errKey
		}
		switch letter := gvariant.NewArray("ay", parts[0]).Bytes()[0]; letter {
		case 'e', 'f', 'c':
			k.choices = choices(parts[1])
		case 'l':
			k.translated = true
		case 'r':
			k.limits = parts[1].Inner()
		case 'd':
			k.byDesktop = entries(parts[1])
		}
	}
	if len(k.limits) != 0 && len(k.limits) != 2 {
		return nil, errKey
	}
	return k, nil
}

// defaults returns the defaults of the key in sessions, and in every desktop if there are none.
// The first one is that of the first session.
func (k *key) defaults(sessions [][]string) []gvariant.Value {
	if len(k.byDesktop) == 0 {
		return []gvariant.Value{k.standard}
	}
	var all []gvariant.Value
	for _, desktops := range sessions {
		all = append(all, k.in(desktops))
	}
	if len(all) == 0 {
		all = append(all, k.standard)
		for _, desktop := range slices.Sorted(maps.Keys(k.byDesktop)) {
			all = append(all, k.in([]string{desktop}))
		}
	}
	return all
}

// in returns the default in a session: that of the first of its desktops that has one.
func (k *key) in(desktops []string) gvariant.Value {
	for _, desktop := range desktops {
		if v, ok := k.byDesktop[desktop]; ok && v.Type() == k.standard.Type() {
			return v
		}
	}
	return k.standard
}

// choices returns the strings in a list of GLib ("strinfo"). A number and a byte, which
// marks aliases, precede each of them.
func choices(list gvariant.Value) []string {
	var all []string
	data := list.Encode()
	for len(data) >= 8 {
		text, rest, ok := strings.Cut(string(data[5:]), "\x00")
		_, rest, ends := strings.Cut(rest, "\xff")
		if !ok || !ends {
			break
		}
		all, data = append(all, text), []byte(rest)
	}
	return all
}

// check returns an error if the key does not allow a value of its type.
func (k *key) check(v gvariant.Value) error {
	switch {
	case k.choices == nil && k.limits == nil:
		return nil
	case strings.ContainsAny(v.Type()[:1], "am"):
		for _, inner := range v.Inner() {
			if err := k.check(inner); err != nil {
				return err
			}
		}
		return nil
	case k.limits != nil:
		return k.checkLimits(v)
	}
	return k.checkChoices(v)
}

func (k *key) checkLimits(v gvariant.Value) error {
	least, most := k.limits[0], k.limits[1]
	if compare(v, least) < 0 || compare(v, most) > 0 {
		return fmt.Errorf("%s is not from %s to %s", plainNumber(v), plainNumber(least), plainNumber(most))
	}
	return nil
}

// compare compares two numbers of one type.
func compare(a, b gvariant.Value) int {
	x, errX := strconv.ParseInt(plainNumber(a), 0, 64)
	y, errY := strconv.ParseInt(plainNumber(b), 0, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	f, _ := strconv.ParseFloat(plainNumber(a), 64)
	g, _ := strconv.ParseFloat(plainNumber(b), 64)
	return cmp.Compare(f, g)
}

// plainNumber returns the text of a number without its type.
func plainNumber(v gvariant.Value) string {
	s := v.String()
	return s[strings.LastIndexByte(s, ' ')+1:]
}

func (k *key) checkChoices(v gvariant.Value) error {
	text, ok := v.Text()
	if !ok {
		return nil
	}
	var quoted []string
	for _, c := range k.choices {
		if c == text {
			return nil
		}
		quoted = append(quoted, gvariant.NewString(c).String())
	}
	err := fmt.Errorf("%s is not one of %s", v, strings.Join(quoted, ", "))
	if near, ok := strictjson.Nearest(text, k.choices); ok {
		err = fmt.Errorf("%w (did you mean %s?)", err, gvariant.NewString(near))
	}
	return err
}
