// Package usermap is what the user wants otherwise on the target than it is on
// the source: names, types, columns that stay behind or come along, tables
// without their rows or with some of them. It is pure: a file and flags are
// parsed into a Spec, which remembers where each wish stands; Resolve holds
// the Spec against a model and gives the one Mapping that definitions, copy,
// verification and reports go by, or says which line is impossible.
package usermap
