package gvariant

import (
	"encoding/binary"
	"math"
)

// Encode returns the serialised form of v, for [Decode].
func (v Value) Encode() []byte {
	switch v.typ[0] {
	case 's', 'o', 'g':
		return append([]byte(v.data.(string)), 0)
	case 'v':
		inner := v.Inner()[0]
		return append(append(inner.Encode(), 0), inner.typ...)
	case 'm':
		return v.encodeMaybe()
	case 'a':
		return v.encodeArray()
	case '(', '{':
		return v.encodeTuple()
	}
	return v.encodeNumber()
}

func (v Value) encodeNumber() []byte {
	switch d := v.data.(type) {
	case bool:
		if d {
			return []byte{1}
		}
		return []byte{0}
	case float64:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(d))
	default:
		b, _ := binary.Append(nil, binary.LittleEndian, d) // it encodes all numbers
		return b
	}
}

func (v Value) encodeMaybe() []byte {
	if len(v.Inner()) == 0 {
		return nil
	}
	b := v.Inner()[0].Encode()
	if fixed(v.typ[1:]) == 0 {
		b = append(b, 0)
	}
	return b
}

func (v Value) encodeArray() []byte {
	var b []byte
	var ends []int
	for _, e := range v.Inner() {
		b = append(pad(b, alignment(v.typ)), e.Encode()...)
		ends = append(ends, len(b))
	}
	if fixed(v.typ[1:]) > 0 {
		return b
	}
	return appendOffsets(b, ends)
}

func (v Value) encodeTuple() []byte {
	var b []byte
	var ends []int // of the members without a fixed end, the last first
	for i, e := range v.Inner() {
		b = append(pad(b, alignment(e.typ)), e.Encode()...)
		if fixed(e.typ) == 0 && i < len(v.Inner())-1 {
			ends = append([]int{len(b)}, ends...)
		}
	}
	if n := fixed(v.typ); n > 0 {
		return append(b, make([]byte, n-len(b))...)
	}
	return appendOffsets(b, ends)
}

func pad(b []byte, to int) []byte {
	return append(b, make([]byte, aligned(len(b), to)-len(b))...)
}

// appendOffsets appends offsets. Their width is that for the size including the offsets.
func appendOffsets(b []byte, ends []int) []byte {
	w := 1
	for offsetWidth(len(b)+w*len(ends)) > w {
		w *= 2
	}
	for _, end := range ends {
		wide := binary.LittleEndian.AppendUint64(nil, uint64(end))
		b = append(b, wide[:w]...)
	}
	return b
}
