// What go-yaml (gopkg.in/yaml.v3) sees in texts, in the form of yaml_tree.rs: the judge of merge keys and equal keys.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

type object = map[string]interface{}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	answers := []object{}
	for _, text := range texts {
		documents, err := read(text)
		if err != nil {
			answers = append(answers, object{"refused": err.Error()})
		} else {
			answers = append(answers, object{"documents": documents})
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}

func read(text string) (documents []interface{}, err error) {
	defer func() {
		if odd := recover(); odd != nil {
			err = fmt.Errorf("panicked: %v", odd)
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	documents = []interface{}{}
	for {
		var node yaml.Node
		if err := decoder.Decode(&node); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, err
		}
		// Finds aliases of themselves and what a type says wrongly, before the tree is walked.
		var any interface{}
		if err := node.Decode(&any); err != nil {
			return nil, err
		}
		document, err := tree(&node)
		if err != nil {
			return nil, err
		}
		documents = append(documents, document)
	}
}

func tree(node *yaml.Node) (interface{}, error) {
	switch node.Kind {
	case yaml.DocumentNode:
		return tree(node.Content[0])
	case yaml.AliasNode:
		return tree(node.Alias)
	case yaml.SequenceNode:
		list := []interface{}{}
		for _, item := range node.Content {
			value, err := tree(item)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return object{"list": list}, nil
	case yaml.MappingNode:
		entries := map[string]yaml.Node{}
		if err := node.Decode(&entries); err != nil {
			return nil, err
		}
		out := object{}
		for key, entry := range entries {
			entry := entry
			value, err := tree(&entry)
			if err != nil {
				return nil, err
			}
			out[key] = value
		}
		return object{"map": out}, nil
	}
	plain := node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	return []interface{}{node.Value, plain}, nil
}
