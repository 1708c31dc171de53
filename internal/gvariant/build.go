package gvariant

import (
	"math"
	"strconv"
	"strings"
)

// build returns the value of a node, with type t.
func (n node) build(t string) (Value, error) {
	switch {
	case n.kind == isTyped && n.text == t:
		return n.inner[0].build(t)
	case t[0] == 'm':
		return n.buildMaybe(t)
	case n.kind == isBytes && t == "ay":
		return NewBytes([]byte(n.text)), nil
	case n.kind == isArray && t[0] == 'a', n.kind == isDict && strings.HasPrefix(t, "a{"):
		return n.buildArray(t)
	case n.kind == isTuple && t[0] == '(', n.kind == isEntry && t[0] == '{':
		return n.buildTuple(t)
	case n.kind == isVariant && t == "v":
		return n.buildVariant()
	case n.kind == isString && strings.Contains("sog", t):
		return n.buildString(t)
	case n.kind == isBool && t == "b":
		return Value{t, n.text == "true"}, nil
	case n.kind == isNumber && t == "d":
		return n.buildDouble()
	case n.kind == isNumber && strings.Contains("ynqiuxth", t):
		return n.buildInteger(t)
	}
	return Value{}, n.at.errorf("this is not of type %q", t)
}

func (n node) buildMaybe(t string) (Value, error) {
	if n.kind == isNothing {
		return Nothing(t), nil
	}
	inner := n
	if n.kind == isJust {
		inner = n.inner[0]
	}
	v, err := inner.build(t[1:])
	return Value{t, []Value{v}}, err
}

func (n node) buildArray(t string) (Value, error) {
	var all []Value
	for _, e := range n.inner {
		v, err := e.build(t[1:])
		if err != nil {
			return Value{}, err
		}
		all = append(all, v)
	}
	return Value{t, all}, nil
}

func (n node) buildTuple(t string) (Value, error) {
	types := members(t)
	if len(types) != len(n.inner) {
		return Value{}, n.at.errorf("this is not of type %q", t)
	}
	all := []Value{}
	for i, m := range n.inner {
		v, err := m.build(types[i])
		if err != nil {
			return Value{}, err
		}
		all = append(all, v)
	}
	return Value{t, all}, nil
}

func (n node) buildVariant() (Value, error) {
	t, err := n.inner[0].infer()
	if err != nil {
		return Value{}, err
	}
	v, err := n.inner[0].build(t)
	return NewVariant(v), err
}

func (n node) buildString(t string) (Value, error) {
	if !validString(t, n.text) {
		return Value{}, n.at.errorf("%q is not of type %q", n.text, t)
	}
	return Value{t, n.text}, nil
}

func (n node) buildDouble() (Value, error) {
	d, err := strconv.ParseFloat(n.text, 64)
	if err != nil || strings.Contains(n.text, "_") {
		return Value{}, n.at.errorf("%q is not a number", n.text)
	}
	return Value{"d", d}, nil
}

func (n node) buildInteger(t string) (Value, error) {
	bits := map[string]int{"y": 8, "n": 16, "q": 16, "i": 32, "u": 32, "h": 32, "x": 64, "t": 64}[t]
	var err error
	var d any
	if strings.Contains("yqut", t) {
		var u uint64
		u, err = strconv.ParseUint(strings.TrimPrefix(n.text, "+"), 0, bits)
		d = map[string]any{"y": uint8(u), "q": uint16(u), "u": uint32(u), "t": u}[t]
	} else {
		var i int64
		i, err = strconv.ParseInt(n.text, 0, bits)
		d = map[string]any{"n": int16(i), "i": int32(i), "h": int32(i), "x": i}[t]
	}
	if err != nil || strings.ContainsAny(n.text, "_oObB") && !strings.Contains(n.text, "x") {
		return Value{}, n.at.errorf("%q is not a number from %s", n.text, limits(t, bits))
	}
	return Value{t, d}, nil
}

func limits(t string, bits int) string {
	if strings.Contains("yqut", t) {
		return "0 to " + strconv.FormatUint(math.MaxUint64>>(64-bits), 10)
	}
	most := int64(math.MaxInt64) >> (64 - bits)
	return strconv.FormatInt(-most-1, 10) + " to " + strconv.FormatInt(most, 10)
}
