package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

const reference = "#/components/schemas/"

// Prints what the fields of the kinds mean, as the API server publishes it: one schema a line, its name and itself
// in JSON. Of the schemas those stay that a kind, or a list of a kind, is made of.
func printSchemas(documents map[string]json.RawMessage) error {
	wanted := map[string]bool{}
	for _, kind := range kinds {
		of := reflect.TypeOf(kind)
		name := definition(of)
		for _, name := range []string{name, name + "List"} {
			if _, known := documents[name]; known {
				wanted[name] = true
			}
		}
	}
	// What is added is visited too.
	for open := slices.Collect(maps.Keys(wanted)); len(open) > 0; open = open[1:] {
		for _, part := range strings.Split(string(documents[open[0]]), reference)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			if !wanted[name] {
				wanted[name] = true
				open = append(open, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, documents[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println(name, compact.String())
	}
	return nil
}

// Returns what a struct is called in OpenAPI.
func definition(of reflect.Type) string {
	path := strings.Split(of.PkgPath(), "/")
	return "io.k8s." + strings.Join(path[1:], ".") + "." + of.Name()
}
