// SPDX-License-Identifier: GPL-2.0
//! A family whose crate has rust/genl as a part of it, as modules have: it can implement foreign
//! traits for what is in there.
//!
//! compiled with rust/genl as a part of it
//!
// covers: surface 4a
//@ copy-responder: the trait `(core::marker::)?Copy` cannot be implemented for this type
//@     A request would be answered twice.
//@ copy-sent: the trait `(core::marker::)?Copy` cannot be implemented for this type
//@     There would be proof of an answer that nobody has given.
//@ copy-objects: the trait `(core::marker::)?Copy` cannot be implemented for this type
//@     One of the two would write where the buffer was before it has grown.
//@ name: module `message` is private
//@     What is no copy has no name outside.

#[derive(Clone)] //~ not copy-responder copy-sent copy-objects
pub struct Own;

impl Copy for Own {} //~ not copy-responder copy-sent copy-objects

impl<O> Clone for Responder<'_, O> { //~ copy-responder
impl Clone for Sent<'_> { //~ copy-sent
impl<O> Clone for Objects<'_, O> { //~ copy-objects
    fn clone(&self) -> Self { //~ copy-responder copy-sent copy-objects
        *self //~ copy-responder copy-sent copy-objects
    } //~ copy-responder copy-sent copy-objects
} //~ copy-responder copy-sent copy-objects

impl<O> Copy for Responder<'_, O> {} //~ copy-responder
impl Copy for Sent<'_> {} //~ copy-sent
impl<O> Copy for Objects<'_, O> {} //~ copy-objects

impl Copy for genl::message::Only {} //~ name
