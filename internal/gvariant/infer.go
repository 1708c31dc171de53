package gvariant

import "strings"

// While a type is inferred, it may have wildcards: N is any number, S any string, * any
// type.

// infer returns the type of a value from its text.
func (n node) infer() (string, error) {
	t, err := n.pattern()
	if err != nil {
		return "", err
	}
	t = strings.NewReplacer("N", "i", "S", "s").Replace(t)
	if !Valid(t) {
		return "", n.at.errorf("the text does not determine the type; write it before the value, as in @as []")
	}
	return t, nil
}

func (n node) pattern() (string, error) {
	switch n.kind {
	case isString:
		return "S", nil
	case isNumber:
		return n.number(), nil
	case isBool:
		return "b", nil
	case isBytes:
		return "ay", nil
	case isVariant:
		return "v", nil
	case isTyped:
		return n.text, nil
	case isNothing:
		return "m*", nil
	case isArray, isDict, isJust:
		return n.container()
	}
	var all strings.Builder
	for _, m := range n.inner {
		t, err := m.pattern()
		if err != nil {
			return "", err
		}
		all.WriteString(t)
	}
	if n.kind == isTuple {
		return "(" + all.String() + ")", nil
	}
	return "{" + all.String() + "}", nil
}

func (n node) number() string {
	hex := strings.HasPrefix(strings.TrimLeft(n.text, "+-"), "0x")
	if !hex && strings.ContainsAny(n.text, ".eEn") {
		return "d"
	}
	return "N"
}

// container returns the pattern of a value whose elements have one type.
func (n node) container() (string, error) {
	element := "*"
	if n.kind == isDict {
		element = "{**}"
	}
	for _, e := range n.inner {
		t, err := e.pattern()
		if err != nil {
			return "", err
		}
		both, ok := unify(element, t)
		if !ok {
			return "", e.at.errorf("the elements have different types")
		}
		element = both
	}
	if n.kind == isJust {
		return "m" + element, nil
	}
	return "a" + element, nil
}

// unify returns the pattern that matches the types that both a and b match, and whether
// there are any.
func unify(a, b string) (string, bool) {
	switch {
	case a == b, b == "*":
		return a, true
	case a == "*":
		return b, true
	case a == "N" && strings.Contains("ynqiuxthd", b), a == "S" && strings.Contains("sog", b):
		return b, true
	case b == "N" && strings.Contains("ynqiuxthd", a), b == "S" && strings.Contains("sog", a):
		return a, true
	case a[0] == 'm' && b[0] != 'm':
		return unifyInner(a, "m"+b)
	case b[0] == 'm' && a[0] != 'm':
		return unifyInner("m"+a, b)
	case a[0] != b[0]:
		return "", false
	case a[0] == 'm', a[0] == 'a':
		return unifyInner(a, b)
	case a[0] == '(', a[0] == '{':
		return unifyMembers(a, b)
	}
	return "", false
}

func unifyInner(a, b string) (string, bool) {
	t, ok := unify(a[1:], b[1:])
	return a[:1] + t, ok
}

func unifyMembers(a, b string) (string, bool) {
	as, bs := patterns(a), patterns(b)
	if len(as) != len(bs) {
		return "", false
	}
	all := a[:1]
	for i := range as {
		t, ok := unify(as[i], bs[i])
		if !ok {
			return "", false
		}
		all += t
	}
	return all + a[len(a)-1:], true
}

// patterns returns the members of a pattern.
func patterns(p string) []string {
	var all []string
	start, depth := 1, 0
	for i := 1; i < len(p)-1; i++ {
		switch p[i] {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case 'a', 'm':
			continue
		}
		if depth == 0 {
			all, start = append(all, p[start:i+1]), i+1
		}
	}
	return all
}
