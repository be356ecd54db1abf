// SPDX-License-Identifier: GPL-2.0

// What the clients in Go share: the protocol of clients.py, which its first lines describe.
// A client is a table of behaviours and a call of serve().

package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"syscall"
)

const (
	objects        = 10000
	interruptAfter = 5000
	last           = math.MaxUint32
	large          = 65531
	edom           = 33
)

// Commands of nlpeer.
const (
	cmdEcho       = 1
	cmdObjectGet  = 2
	cmdTroubleGet = 7
	cmdOddGet     = 20
)

// What echo is asked for.
const (
	echoU32        = 42
	echoU64        = 1 << 40
	echoString     = "hello, kernel"
	echoNestU32    = 7
	echoNestString = "inside"
)

var echoBinary = []byte{0, 1, 2}

// An object of the dump.
type object struct {
	id      uint32
	counter uint64
	name    string
	a, b    uint32
	v       [6]uint32
	extra   *uint32
}

func (o object) tell() {
	words := []any{"object", o.id, o.counter, o.name, o.a, o.b}
	for _, v := range o.v {
		words = append(words, v)
	}
	if o.extra != nil {
		words = append(words, *o.extra)
	}
	tell(words...)
}

// What is in an odd reply, as far as it could be read.
type oddReply struct {
	number, nest *uint32
	text         *string
	wide         *uint64
}

func (o oddReply) tell() {
	tell("reply")
	tellIf("number", o.number)
	tellIf("text", o.text)
	tellIf("wide", o.wide)
	tellIf("nest", o.nest)
}

func tellIf[T any](what string, value *T) {
	if value != nil {
		tell(what, *value)
	}
}

var input, output = bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)

// One line of what was seen.
func tell(words ...any) {
	fmt.Fprintln(output, words...)
}

func tellBytes(what string, data []byte) {
	tell(what, hex.EncodeToString(data))
}

// A line that the runner waits for.
func mark(words ...any) {
	tell(words...)
	output.Flush()
}

// Waits until the runner says go.
func awaitGo() {
	input.ReadString('\n')
}

// An error that no client has a better word for.
func tellError(err error) {
	if err != nil {
		tell("raised", strings.ReplaceAll(err.Error(), "\n", " "))
	}
}

// An error number of the kernel, or another error.
func tellErrno(err error) {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		tell("error", uint(errno))
	} else {
		tellError(err)
	}
}

type behaviour struct {
	name string
	run  func() error
}

// What is odd about the reply that is asked for now.
var oddWhat uint32

func try(run func() error) {
	defer func() {
		if recover() != nil {
			tell("raised", "a panic")
		}
	}()
	tellError(run())
}

// Answers the runner until it hangs up.
func serve(name string, version string, behaviours []behaviour) {
	tell("client", name, version)
	for _, behaviour := range behaviours {
		tell("has", behaviour.name)
	}
	mark(".")
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		fmt.Sscan(strings.Join(words[1:], " "), &oddWhat)
		for _, behaviour := range behaviours {
			if behaviour.name == words[0] {
				try(behaviour.run)
			}
		}
		mark(".")
	}
}
