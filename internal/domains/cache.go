package domains

import (
	"os"
	"path/filepath"
	"sync"

	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/secret"
)

// A Cache holds what domains have looked up, so that later commands need not look it
// up again. Nothing is written before [Cache.Save]: a command that only looks, or
// only prints what would change, leaves no trace.
type Cache struct {
	mu    sync.Mutex
	texts map[string]plan.Overwrite // by path
	read  map[string][]byte         // what files had, by path
}

// Remember makes Recall return the text for its path from now on.
func (c *Cache) Remember(p plan.Overwrite) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.texts == nil {
		c.texts = map[string]plan.Overwrite{}
	}
	c.texts[p.Path] = p
}

// Recall returns what was remembered under a path, by this command or an earlier
// one. It fails if nothing was.
func (c *Cache) Recall(path string) ([]byte, error) {
	c.mu.Lock()
	p, ok := c.texts[path]
	c.mu.Unlock()
	if ok {
		return p.Text, nil
	}
	text, err := os.ReadFile(path)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.read == nil {
			c.read = map[string][]byte{}
		}
		c.read[path] = text
	}
	return text, err
}

// Save writes what was remembered. Text with a secret in it is left out and looked
// up each time. Files that an older bkt wrote readable for all are rewritten.
func (c *Cache) Save() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.texts == nil {
		c.texts = map[string]plan.Overwrite{}
	}
	for path, text := range c.read {
		if _, ok := c.texts[path]; !ok && host.ReadableByOthers(path) {
			c.texts[path] = plan.Overwrite{Path: path, Text: text, Private: filepath.Dir(path)}
		}
	}
	for _, p := range c.texts {
		if secret.In(p.Text, nil) != "" {
			p.Text = []byte("{}\n")
		}
		host.WriteCache(p)
	}
	c.texts, c.read = nil, nil
}
