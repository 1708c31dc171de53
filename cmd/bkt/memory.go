package main

import (
	"os"
	"path/filepath"
	"sync"

	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/secret"
)

// A memory holds what domains have found out, so that they need not find it out
// again. Until a command that changes something keeps it, no file has it: a command
// that only looks, or only prints what would change, leaves no trace.
type memory struct {
	mu    sync.Mutex
	texts map[string]plan.Overwrite // by path
	read  map[string][]byte         // what files had, by path
}

// remember has recall return the text of a file from now on.
func (m *memory) remember(p plan.Overwrite) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.texts == nil {
		m.texts = map[string]plan.Overwrite{}
	}
	m.texts[p.Path] = p
}

// recall returns what was remembered under a path, by this command or by an earlier
// one.
func (m *memory) recall(path string) ([]byte, error) {
	m.mu.Lock()
	p, ok := m.texts[path]
	m.mu.Unlock()
	if ok {
		return p.Text, nil
	}
	text, err := os.ReadFile(path)
	if err == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.read == nil {
			m.read = map[string][]byte{}
		}
		m.read[path] = text
	}
	return text, err
}

// keep writes what was remembered, but for what has a secret in it: that is found
// out each time. What an older bkt has written, for all to read, is rewritten.
func (m *memory) keep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.texts == nil {
		m.texts = map[string]plan.Overwrite{}
	}
	for path, text := range m.read {
		if _, ok := m.texts[path]; !ok && othersMayRead(path) {
			m.texts[path] = plan.Overwrite{Path: path, Text: text, Private: filepath.Dir(path)}
		}
	}
	for _, p := range m.texts {
		if secret.In(p.Text, nil) != "" {
			p.Text = []byte("{}\n")
		}
		host.WriteCache(p)
	}
	m.texts, m.read = nil, nil
}
