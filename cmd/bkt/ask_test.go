package main

import (
	"io"
	"os"
	"testing"
)

// TestFormKeys checks that what is typed after a form has ended is left to the next reader.
func TestFormKeys(t *testing.T) {
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typed.Close()
	if _, err := typed.WriteString("j"); err != nil {
		t.Fatal(err)
	}
	keys := &formKeys{File: in}
	got := make([]byte, 8)
	if n, err := keys.Read(got); n != 1 || err != nil || got[0] != 'j' {
		t.Errorf("in the form: %q, %v", got[:n], err)
	}
	if _, err := typed.WriteString("y\n"); err != nil {
		t.Fatal(err)
	}
	keys.ended.Store(true)
	if n, err := keys.Read(got); n != 0 || err != io.EOF {
		t.Errorf("after it: %q, %v, want io.EOF", got[:n], err)
	}
	if n, err := in.Read(got); string(got[:n]) != "y\n" || err != nil {
		t.Errorf("the next reader: %q, %v", got[:n], err)
	}
}
