package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Input is what Resolve takes values from.
type Input struct {
	Names  []string                 // options of the command at hand; empty is all
	Flags  map[string][]string      // those that stand on the command line
	Getenv func(name string) string // nil is an empty environment
	File   string                   // path of the configuration file, "" for none
}

// Resolve gives every option its value: flag before environment before file
// before default. Keys of the file that belong to another command are checked
// and then ignored, so that commands can share a file.
func Resolve(in Input) (*Config, error) {
	c := &Config{origin: map[string]origin{}}
	var file map[string]entry
	if in.File != "" {
		var err error
		if file, err = readFile(in.File); err != nil {
			return nil, err
		}
	}
	for _, o := range Options(in.Names...) {
		values, from := o.pick(in, file)
		if values == nil {
			continue
		}
		if err := o.put(c, values); err != nil {
			return nil, &Error{Where: from.text, Reason: err.Error()}
		}
		if from.text != "" {
			c.origin[o.Name] = from
		}
	}
	return c, nil
}

// pick finds the place that decides the option's value.
func (o Option) pick(in Input, file map[string]entry) ([]string, origin) {
	if v, ok := in.Flags[o.Name]; ok && len(v) > 0 {
		return v, origin{text: "--" + o.Name}
	}
	if in.Getenv != nil {
		if v := in.Getenv(o.Env()); v != "" {
			values := []string{v}
			if o.Kind == List && !o.Whole {
				values = splitList(v)
			}
			return values, origin{text: o.Env()}
		}
	}
	if e, ok := file[o.Name]; ok {
		return e.values, e.origin
	}
	if o.Default != "" {
		return []string{o.Default}, origin{}
	}
	return nil, origin{}
}

// splitList cuts an environment variable's list at its commas.
func splitList(s string) []string {
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// Reveal is the value of an option as it applies, secrets too, for a process of
// our own; "" where it has none. Of a list it is the first.
func (c *Config) Reveal(o Option) string {
	switch p := o.ref(c).(type) {
	case *[]string:
		if len(*p) > 0 {
			return (*p)[0]
		}
	case *Secret:
		return p.Reveal()
	case *string:
		return *p
	case *int:
		return strconv.Itoa(*p)
	case *bool:
		return strconv.FormatBool(*p)
	}
	return ""
}

// Effective returns the options and values as they apply, without secrets, for
// logs and reports.
func (c *Config) Effective() []string {
	var out []string
	for _, o := range options {
		if !c.Given(o.Name) {
			continue
		}
		switch p := o.ref(c).(type) {
		case *[]string:
			for _, v := range *p {
				out = append(out, fmt.Sprintf("%s=%s", o.Name, v))
			}
		case *Secret:
			out = append(out, fmt.Sprintf("%s=%s", o.Name, p))
		case *string:
			out = append(out, fmt.Sprintf("%s=%s", o.Name, *p))
		case *int:
			out = append(out, fmt.Sprintf("%s=%d", o.Name, *p))
		case *bool:
			out = append(out, fmt.Sprintf("%s=%t", o.Name, *p))
		}
	}
	return out
}
