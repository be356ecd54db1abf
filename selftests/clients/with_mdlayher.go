// SPDX-License-Identifier: GPL-2.0

// nlpeer by mdlayher/genetlink on top of mdlayher/netlink. A message has bytes, which a decoder
// reads attribute by attribute; an ack behind a reply would be what the next receive gets, so
// that nobody asks for one.

package main

import (
	"errors"
	"syscall"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
)

// Set when it is built.
var version string

// A socket, and the family.
func dial() (*genetlink.Conn, genetlink.Family, error) {
	conn, err := genetlink.Dial(nil)
	if err != nil {
		return nil, genetlink.Family{}, err
	}
	if err = conn.SetOption(netlink.ExtendedAcknowledge, true); err == nil {
		var family genetlink.Family
		if family, err = conn.GetFamily("nlpeer"); err == nil {
			return conn, family, nil
		}
	}
	conn.Close()
	return nil, genetlink.Family{}, err
}

// Hands a socket and the family to a function.
func with(run func(conn *genetlink.Conn, family genetlink.Family) error) error {
	conn, family, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return run(conn, family)
}

func message(cmd uint8, encode func(ae *netlink.AttributeEncoder)) (genetlink.Message, error) {
	ae := netlink.NewAttributeEncoder()
	encode(ae)
	data, err := ae.Encode()
	return genetlink.Message{Header: genetlink.Header{Command: cmd, Version: 1}, Data: data}, err
}

// Sends a request, and hands each attribute of a reply to what begin() returns for it; what
// that returns is called behind the last one.
func execute(conn *genetlink.Conn, family genetlink.Family, flags netlink.HeaderFlags, cmd uint8,
	encode func(ae *netlink.AttributeEncoder),
	begin func() (func(ad *netlink.AttributeDecoder), func())) error {
	request, err := message(cmd, encode)
	if err != nil {
		return err
	}
	replies, err := conn.Execute(request, family.ID, netlink.Request|flags)
	if err != nil {
		return err
	}
	for _, reply := range replies {
		each, end := begin()
		if err := decode(reply.Data, each); err != nil {
			return err
		}
		end()
	}
	return nil
}

func decode(data []byte, each func(ad *netlink.AttributeDecoder)) error {
	ad, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return err
	}
	for ad.Next() {
		each(ad)
	}
	return ad.Err()
}

// All attributes of a nest.
func nested(ad *netlink.AttributeDecoder, each func(ad *netlink.AttributeDecoder)) {
	ad.Nested(func(nad *netlink.AttributeDecoder) error {
		for nad.Next() {
			each(nad)
		}
		return nad.Err()
	})
}

func resolve() error {
	return with(func(conn *genetlink.Conn, family genetlink.Family) error {
		tell("family", family.ID)
		for _, group := range family.Groups {
			if group.Name == "events" {
				tell("group", group.ID)
			}
		}
		return nil
	})
}

func sendEcho(conn *genetlink.Conn, family genetlink.Family) error {
	return execute(conn, family, 0, cmdEcho, func(ae *netlink.AttributeEncoder) {
		ae.Uint32(1, echoU32)
		ae.Uint64(2, echoU64)
		ae.String(3, echoString)
		ae.Bytes(4, echoBinary)
		ae.Nested(5, func(nae *netlink.AttributeEncoder) error {
			nae.Uint32(1, echoNestU32)
			nae.String(2, echoNestString)
			return nil
		})
	}, func() (func(ad *netlink.AttributeDecoder), func()) {
		return func(ad *netlink.AttributeDecoder) {
			switch ad.Type() {
			case 1:
				tell("u32", ad.Uint32())
			case 2:
				tell("u64", ad.Uint64())
			case 3:
				tell("string", ad.String())
			case 4:
				tellBytes("binary", ad.Bytes())
			case 5:
				nested(ad, func(nad *netlink.AttributeDecoder) {
					switch nad.Type() {
					case 1:
						tell("nest.u32", nad.Uint32())
					case 2:
						tell("nest.string", nad.String())
					}
				})
			}
		}, func() {}
	})
}

func echo() error {
	return with(sendEcho)
}

func dump() error {
	return with(func(conn *genetlink.Conn, family genetlink.Family) error {
		return execute(conn, family, netlink.Dump, cmdObjectGet, func(ae *netlink.AttributeEncoder) {
			ae.Uint32(1, objects)
		}, func() (func(ad *netlink.AttributeDecoder), func()) {
			var o object
			return func(ad *netlink.AttributeDecoder) {
				switch kind := ad.Type(); kind {
				case 2:
					o.id = ad.Uint32()
				case 3:
					o.counter = ad.Uint64()
				case 4:
					o.name = ad.String()
				case 5:
					nested(ad, func(nad *netlink.AttributeDecoder) {
						switch nad.Type() {
						case 1:
							o.a = nad.Uint32()
						case 2:
							o.b = nad.Uint32()
						}
					})
				case 6, 7, 8, 9, 10, 11:
					o.v[kind-6] = ad.Uint32()
				case 12:
					extra := ad.Uint32()
					o.extra = &extra
				}
			}, func() { o.tell() }
		})
	})
}

// Hands each event to a function, until that says that it is enough.
func listen(enough func(cookie uint32) bool) error {
	return with(func(conn *genetlink.Conn, family genetlink.Family) error {
		for _, group := range family.Groups {
			if group.Name == "events" {
				if err := conn.JoinGroup(group.ID); err != nil {
					return err
				}
			}
		}
		mark("joined")
		for {
			messages, _, err := conn.Receive()
			if errors.Is(err, syscall.ENOBUFS) {
				mark("overrun", "ENOBUFS")
				continue
			}
			if err != nil {
				return err
			}
			for _, message := range messages {
				var cookie uint32
				var text string
				if err := decode(message.Data, func(ad *netlink.AttributeDecoder) {
					switch ad.Type() {
					case 1:
						cookie = ad.Uint32()
					case 2:
						text = ad.String()
					}
				}); err != nil {
					return err
				}
				tell("event", cookie, text)
				if enough(cookie) {
					return nil
				}
			}
		}
	})
}

func event() error {
	return listen(func(cookie uint32) bool { return true })
}

func overrun() error {
	return listen(func(cookie uint32) bool { return cookie == last })
}

// The headers are there for those who call Receive().
func interrupt() error {
	return with(func(conn *genetlink.Conn, family genetlink.Family) error {
		request, err := message(cmdTroubleGet, func(ae *netlink.AttributeEncoder) {
			ae.Uint32(1, objects)
			ae.Uint32(4, interruptAfter)
		})
		if err != nil {
			return err
		}
		if _, err := conn.Send(request, family.ID, netlink.Request|netlink.Dump); err != nil {
			return err
		}
		messages, headers, err := conn.Receive()
		if err != nil {
			return err
		}
		tell("objects", len(messages))
		for _, message := range headers {
			if message.Header.Flags&netlink.DumpInterrupted != 0 {
				tell("interrupted", "flag of a message")
				break
			}
		}
		return nil
	})
}

func trouble(kind uint16, value uint32) error {
	return with(func(conn *genetlink.Conn, family genetlink.Family) error {
		return execute(conn, family, 0, cmdTroubleGet, func(ae *netlink.AttributeEncoder) {
			ae.Uint32(kind, value)
		}, func() (func(ad *netlink.AttributeDecoder), func()) {
			return func(ad *netlink.AttributeDecoder) {
				if ad.Type() == 9 {
					tellBytes("data", ad.Bytes())
				}
			}, func() {}
		})
	})
}

// An error has fields for both.
func extack() error {
	err := trouble(6, edom)
	tellErrno(err)
	var operation *netlink.OpError
	if errors.As(err, &operation) {
		tell("message", operation.Message)
		tell("offset", operation.Offset)
	}
	return nil
}

// The buffer grows.
func largeReply() error {
	return trouble(2, large)
}

func vanish() error {
	return with(func(conn *genetlink.Conn, family genetlink.Family) error {
		mark("resolved")
		awaitGo()
		tellErrno(sendEcho(conn, family))
		return nil
	})
}

func odd() error {
	return with(func(conn *genetlink.Conn, family genetlink.Family) error {
		tellError(execute(conn, family, 0, cmdOddGet, func(ae *netlink.AttributeEncoder) {
			ae.Uint32(1, oddWhat)
		}, func() (func(ad *netlink.AttributeDecoder), func()) {
			var reply oddReply
			return func(ad *netlink.AttributeDecoder) {
				switch ad.Type() {
				case 3:
					number := ad.Uint32()
					reply.number = &number
				case 4:
					text := ad.String()
					reply.text = &text
				case 5:
					wide := ad.Uint64()
					reply.wide = &wide
				case 6:
					nested(ad, func(nad *netlink.AttributeDecoder) {
						number := nad.Uint32()
						reply.nest = &number
					})
				}
			}, func() { reply.tell() }
		}))
		tell("next")
		return execute(conn, family, 0, cmdEcho, func(ae *netlink.AttributeEncoder) {
			ae.Uint32(1, echoU32)
		}, func() (func(ad *netlink.AttributeDecoder), func()) {
			return func(ad *netlink.AttributeDecoder) {
				if ad.Type() == 1 {
					tell("u32", ad.Uint32())
				}
			}, func() {}
		})
	})
}

func main() {
	serve("mdlayher/netlink", version, []behaviour{
		{"resolve", resolve}, {"echo", echo}, {"dump", dump}, {"event", event},
		{"interrupt", interrupt}, {"overrun", overrun}, {"extack", extack},
		{"large", largeReply}, {"vanish", vanish}, {"odd", odd},
	})
}
