package manifest

import "bkt/internal/strictjson"

// Nearest is [strictjson.Nearest].
func Nearest(word string, known []string) (string, bool) { return strictjson.Nearest(word, known) }
