package db9sim

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	scramMechanism  = "SCRAM-SHA-256"
	scramIterations = 4096 // PostgreSQL's
)

// scram is the exchange by which PostgreSQL asks for a password without seeing
// it (RFC 7677, without channel binding).
func scram(client *pgproto3.Backend, want []string) (bool, error) {
	client.Send(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{scramMechanism}})
	msg, err := scramAnswer(client, pgproto3.AuthTypeSASL)
	if err != nil {
		return false, err
	}
	first, ok := msg.(*pgproto3.SASLInitialResponse)
	if !ok || first.AuthMechanism != scramMechanism {
		return false, fmt.Errorf("a %T in place of the start of %s", msg, scramMechanism)
	}
	flag, bare, ok := strings.Cut(string(first.Data), ",,")
	nonce := scramField(bare, "r")
	if !ok || nonce == "" {
		return false, fmt.Errorf("a first message of %s that names no nonce", scramMechanism)
	}
	nonce += rand.Text()
	salt := []byte(rand.Text())
	serverFirst := fmt.Sprintf("r=%s,s=%s,i=%d", nonce, base64.StdEncoding.EncodeToString(salt), scramIterations)

	client.Send(&pgproto3.AuthenticationSASLContinue{Data: []byte(serverFirst)})
	if msg, err = scramAnswer(client, pgproto3.AuthTypeSASLContinue); err != nil {
		return false, err
	}
	last, ok := msg.(*pgproto3.SASLResponse)
	if !ok {
		return false, fmt.Errorf("a %T in place of the end of %s", msg, scramMechanism)
	}
	unproved, proof, _ := strings.Cut(string(last.Data), ",p=")
	given, err := base64.StdEncoding.DecodeString(proof)
	if err != nil || scramField(unproved, "r") != nonce ||
		scramField(unproved, "c") != base64.StdEncoding.EncodeToString([]byte(flag+",,")) {
		return false, nil //nolint:nilerr // to the client it is all one
	}

	message := bare + "," + serverFirst + "," + unproved
	for _, password := range want {
		salted, err := pbkdf2.Key(sha256.New, password, salt, scramIterations, sha256.Size)
		if err != nil {
			return false, fmt.Errorf("salting a password: %w", err)
		}
		key := mac(salted, "Client Key")
		stored := sha256.Sum256(key)
		expected := make([]byte, len(key))
		subtle.XORBytes(expected, key, mac(stored[:], message))
		if subtle.ConstantTimeCompare(expected, given) == 1 {
			signature := mac(mac(salted, "Server Key"), message)
			client.Send(&pgproto3.AuthenticationSASLFinal{Data: []byte("v=" + base64.StdEncoding.EncodeToString(signature))})
			return true, nil // AuthenticationOk follows, and flushes it
		}
	}
	return false, nil
}

func scramAnswer(client *pgproto3.Backend, auth uint32) (pgproto3.FrontendMessage, error) {
	if err := client.Flush(); err != nil {
		return nil, fmt.Errorf("asking for a password: %w", err)
	}
	if err := client.SetAuthType(auth); err != nil {
		return nil, err
	}
	msg, err := client.Receive()
	if err != nil {
		return nil, fmt.Errorf("reading a password: %w", err)
	}
	return msg, nil
}

// scramField gives the value of one attribute of a message.
func scramField(message, name string) string {
	for field := range strings.SplitSeq(message, ",") {
		if value, ok := strings.CutPrefix(field, name+"="); ok {
			return value
		}
	}
	return ""
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text)) // which never fails
	return h.Sum(nil)
}
