package reconcile

import "unicode/utf8"

// An Ignore has the patterns of keys that are not captured, pruned or reported. The zero
// Ignore has none.
//
// It is one automaton for all patterns, so that its time for a key is limited, whatever
// the patterns are: a bit for each character of a pattern says whether the text so far
// matches the pattern up to there (the algorithm Shift-And, of Baeza-Yates and Gonnet).
type Ignore struct {
	first  bits           // before the first character
	last   bits           // after the last
	any    bits           // before a ?
	stay   bits           // before a *
	rare   map[rune][]int // the bits before a character
	common map[rune]bits  // the same for a character with many, which a list would be slower for
}

// bits are a set of numbers.
type bits []uint64

func (b bits) set(n int)      { b[n/64] |= 1 << (n % 64) }
func (b bits) has(n int) bool { return b[n/64]&(1<<(n%64)) != 0 }

func (b bits) intersects(c bits) bool {
	for i := range b {
		if b[i]&c[i] != 0 {
			return true
		}
	}
	return false
}

// Globs returns an Ignore that has the keys that match one of globs, in which * matches
// any text and ? any character.
func Globs(globs []string) Ignore {
	size := 0
	for _, g := range globs {
		size += utf8.RuneCountInString(g) + 1
	}
	words := size/64 + 1
	i := Ignore{make(bits, words), make(bits, words), make(bits, words), make(bits, words), map[rune][]int{}, map[rune]bits{}}
	n := 0
	for _, g := range globs {
		i.first.set(n)
		for _, r := range g {
			switch r {
			case '*':
				i.stay.set(n)
				continue
			case '?':
				i.any.set(n)
			default:
				i.rare[r] = append(i.rare[r], n)
			}
			n++
		}
		i.last.set(n)
		n++
	}
	i.sortOut(words)
	return i
}

// sortOut moves the characters with more than limit bits from rare to common.
func (i Ignore) sortOut(limit int) {
	for r, all := range i.rare {
		if len(all) <= limit {
			continue
		}
		i.common[r] = make(bits, len(i.first))
		for _, n := range all {
			i.common[r].set(n)
		}
		delete(i.rare, r)
	}
}

// Has reports whether a key is ignored.
func (i Ignore) Has(key string) bool {
	if len(i.first) == 0 {
		return false
	}
	now, next := append(bits{}, i.first...), make(bits, len(i.first))
	for _, r := range key {
		if !i.step(now, next, r) {
			return false
		}
		now, next = next, now
	}
	return now.intersects(i.last)
}

// step sets next to the bits after one more character, and reports whether there are any.
func (i Ignore) step(now, next bits, r rune) bool {
	common, ok := i.common[r]
	if !ok {
		common = i.any
	}
	var carry, all uint64
	for w, b := range now {
		moved := b & (i.any[w] | common[w])
		next[w] = moved<<1 | carry | b&i.stay[w]
		carry = moved >> 63
		all |= next[w]
	}
	for _, n := range i.rare[r] {
		if now.has(n) {
			next.set(n + 1)
			all = 1
		}
	}
	return all != 0
}
