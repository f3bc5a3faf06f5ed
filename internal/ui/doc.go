// Package ui shows a run while it goes on: bars on a terminal, plain lines
// elsewhere, JSON lines for programs. It listens to events and samples meters;
// the engines know nothing of it.
package ui
