// SPDX-License-Identifier: GPL-2.0

// nlpeer by vishvananda/netlink. It has what a family needs in its package nl: a request of
// parts, which is executed, and attributes by their number.

package main

import (
	"errors"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
)

// Set when it is built.
var version string

const nested = 1 << 15

var native = nl.NativeEndian()

type attrs map[uint16]syscall.NetlinkRouteAttr

func parse(data []byte) (attrs, error) {
	return nl.ParseRouteAttrAsMap(data)
}

func (a attrs) u32(kind uint16) *uint32 {
	if attr, ok := a[kind]; ok {
		value := native.Uint32(attr.Value)
		return &value
	}
	return nil
}

func (a attrs) u64(kind uint16) *uint64 {
	if attr, ok := a[kind]; ok {
		value := native.Uint64(attr.Value)
		return &value
	}
	return nil
}

func (a attrs) text(kind uint16) *string {
	if attr, ok := a[kind]; ok {
		value := nl.BytesToString(attr.Value)
		return &value
	}
	return nil
}

// A nest, which has its flag if it is one of the kernel's newer ones.
func (a attrs) nest(kind uint16) (attrs, error) {
	attr, ok := a[kind]
	if !ok {
		attr = a[kind|nested]
	}
	return parse(attr.Value)
}

// A header is written with the two bytes that are behind it in memory, and nlpeer refuses what
// is not 0 there: here are some.
type header struct {
	nl.Genlmsg
	reserved uint16
}

func request(family *netlink.GenlFamily, flags int, cmd uint8, parts ...*nl.RtAttr) *nl.NetlinkRequest {
	request := nl.NewNetlinkRequest(int(family.ID), flags)
	request.AddData(&(&header{Genlmsg: nl.Genlmsg{Command: cmd, Version: 1}}).Genlmsg)
	for _, part := range parts {
		request.AddData(part)
	}
	return request
}

func u32(kind int, value uint32) *nl.RtAttr {
	return nl.NewRtAttr(kind, nl.Uint32Attr(value))
}

// Hands the attributes of each reply to a function.
func execute(request *nl.NetlinkRequest, each func(reply attrs) error) error {
	replies, err := request.Execute(syscall.NETLINK_GENERIC, 0)
	if err != nil {
		return err
	}
	for _, reply := range replies {
		got, err := parse(reply[nl.SizeofGenlmsg:])
		if err != nil {
			return err
		}
		if err := each(got); err != nil {
			return err
		}
	}
	return nil
}

func events(family *netlink.GenlFamily) uint {
	for _, group := range family.Groups {
		if group.Name == "events" {
			return uint(group.ID)
		}
	}
	return 0
}

func resolve() error {
	family, err := netlink.GenlFamilyGet("nlpeer")
	if err != nil {
		return err
	}
	tell("family", family.ID)
	tell("group", events(family))
	return nil
}

func sendEcho(family *netlink.GenlFamily) error {
	nest := nl.NewRtAttr(5|nested, nil)
	nest.AddRtAttr(1, nl.Uint32Attr(echoNestU32))
	nest.AddRtAttr(2, nl.ZeroTerminated(echoNestString))
	return execute(request(family, 0, cmdEcho, u32(1, echoU32), nl.NewRtAttr(2, nl.Uint64Attr(echoU64)),
		nl.NewRtAttr(3, nl.ZeroTerminated(echoString)), nl.NewRtAttr(4, echoBinary), nest),
		func(reply attrs) error {
			nest, err := reply.nest(5)
			if err != nil {
				return err
			}
			tellIf("u32", reply.u32(1))
			tellIf("u64", reply.u64(2))
			tellIf("string", reply.text(3))
			tellBytes("binary", reply[4].Value)
			tellIf("nest.u32", nest.u32(1))
			tellIf("nest.string", nest.text(2))
			return nil
		})
}

func echo() error {
	family, err := netlink.GenlFamilyGet("nlpeer")
	if err != nil {
		return err
	}
	return sendEcho(family)
}

func dump() error {
	family, err := netlink.GenlFamilyGet("nlpeer")
	if err != nil {
		return err
	}
	return execute(request(family, syscall.NLM_F_DUMP, cmdObjectGet, u32(1, objects)), func(reply attrs) error {
		pair, err := reply.nest(5)
		if err != nil {
			return err
		}
		o := object{
			id: *reply.u32(2), counter: *reply.u64(3), name: *reply.text(4),
			a: *pair.u32(1), b: *pair.u32(2), extra: reply.u32(12),
		}
		for i := range o.v {
			o.v[i] = *reply.u32(uint16(6 + i))
		}
		o.tell()
		return nil
	})
}

// Hands each event to a function, until that says that it is enough. The groups are those of an
// address, of which there are 32.
func listen(enough func(cookie uint32) bool) error {
	family, err := netlink.GenlFamilyGet("nlpeer")
	if err != nil {
		return err
	}
	sock, err := nl.Subscribe(syscall.NETLINK_GENERIC, events(family))
	if err != nil {
		return err
	}
	defer sock.Close()
	mark("joined")
	for {
		messages, _, err := sock.Receive()
		if errors.Is(err, syscall.ENOBUFS) {
			mark("overrun", "ENOBUFS")
			continue
		}
		if err != nil {
			return err
		}
		for _, message := range messages {
			got, err := parse(message.Data[nl.SizeofGenlmsg:])
			if err != nil {
				return err
			}
			tell("event", *got.u32(1), *got.text(2))
			if enough(*got.u32(1)) {
				return nil
			}
		}
	}
}

func event() error {
	return listen(func(cookie uint32) bool { return true })
}

func overrun() error {
	return listen(func(cookie uint32) bool { return cookie == last })
}

func trouble(flags int, each func(reply attrs) error, parts ...*nl.RtAttr) error {
	family, err := netlink.GenlFamilyGet("nlpeer")
	if err != nil {
		return err
	}
	return execute(request(family, flags, cmdTroubleGet, parts...), each)
}

func interrupt() error {
	count := 0
	err := trouble(syscall.NLM_F_DUMP, func(reply attrs) error {
		count++
		return nil
	}, u32(1, objects), u32(4, interruptAfter))
	if errors.Is(err, syscall.EINTR) {
		tell("interrupted", "EINTR")
		return nil
	}
	tell("objects", count)
	return err
}

// The text is a part of the error, for those who have asked for it; the rest is dropped.
func extack() error {
	nl.EnableErrorMessageReporting = true
	err := trouble(0, func(reply attrs) error { return nil }, u32(6, edom))
	tellErrno(err)
	if err != nil {
		_, text, _ := strings.Cut(err.Error(), ": ")
		tell("message", text)
	}
	return nil
}

// The buffer has 64 KiB.
func largeReply() error {
	err := trouble(0, func(reply attrs) error {
		tellBytes("data", reply[9].Value)
		return nil
	}, u32(2, large))
	if errors.Is(err, syscall.EINVAL) {
		tell("truncated", "EINVAL")
		return nil
	}
	return err
}

func vanish() error {
	family, err := netlink.GenlFamilyGet("nlpeer")
	if err != nil {
		return err
	}
	mark("resolved")
	awaitGo()
	tellErrno(sendEcho(family))
	return nil
}

// A request has a socket of its own, unless it is given one.
func odd() error {
	family, err := netlink.GenlFamilyGet("nlpeer")
	if err != nil {
		return err
	}
	sock, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), syscall.NETLINK_GENERIC)
	if err != nil {
		return err
	}
	defer sock.Close()
	sockets := map[int]*nl.SocketHandle{syscall.NETLINK_GENERIC: {Socket: sock}}
	ask := request(family, 0, cmdOddGet, u32(1, oddWhat))
	ask.Sockets = sockets
	try(func() error {
		return execute(ask, func(reply attrs) error {
			odd := oddReply{number: reply.u32(3), text: reply.text(4), wide: reply.u64(5)}
			if _, ok := reply[6]; ok {
				nest, err := reply.nest(6)
				if err != nil {
					return err
				}
				odd.nest = nest.u32(1)
			}
			odd.tell()
			return nil
		})
	})
	tell("next")
	ask = request(family, 0, cmdEcho, u32(1, echoU32))
	ask.Sockets = sockets
	return execute(ask, func(reply attrs) error {
		tellIf("u32", reply.u32(1))
		return nil
	})
}

func main() {
	serve("vishvananda/netlink", version, []behaviour{
		{"resolve", resolve}, {"echo", echo}, {"dump", dump}, {"event", event},
		{"interrupt", interrupt}, {"overrun", overrun}, {"extack", extack},
		{"large", largeReply}, {"vanish", vanish}, {"odd", odd},
	})
}
