// Package config turns flags, environment and a YAML file into one typed
// configuration, and remembers where each value came from, so that a complaint
// can name the flag, the variable or the line.
package config
