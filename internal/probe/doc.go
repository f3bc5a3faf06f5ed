// Package probe asks a target what it can do, instead of believing what is
// written about it, and corrects the profile by the answers.
package probe
