package shape

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Parse reads what --shape names: a shape, or a YAML file of columns.
func Parse(name string) (Shape, error) {
	if s, ok := Named(name); ok {
		return s, nil
	}
	if !strings.ContainsAny(name, "./\\") {
		return Shape{}, fmt.Errorf("no shape is called %q: the shapes are %s, or a YAML file of columns", name, strings.Join(Names(), ", "))
	}
	data, err := os.ReadFile(name) //nolint:gosec // the user names the file
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return Shape{}, fmt.Errorf("reading the shape %q: %w", name, err)
	}
	s, err := parseFile(data)
	if err != nil {
		return Shape{}, fmt.Errorf("the shape %q: %w", name, err)
	}
	s.Name = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	return s, nil
}

// parseFile reads the columns of a shape.
func parseFile(data []byte) (Shape, error) {
	var file struct {
		Columns []Column `yaml:"columns"`
	}
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		return Shape{}, err
	}
	s := Shape{Columns: slices.Clone(file.Columns)}
	if len(s.Columns) == 0 {
		return s, errors.New("it has no columns: list them under columns, each with name and kind")
	}
	return s, s.check()
}
