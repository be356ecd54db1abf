// SPDX-License-Identifier: GPL-2.0

//! The operations of genltest, its groups and its notifications. The attributes are in the files of
//! the handlers.

#![forbid(unsafe_code)]

use crate::{
    attributes,
    bridges::{
        self,
        which, //
    },
    dumps::{
        self,
        object, //
    },
    genl::{
        self,
        NoAttrs, //
    },
    hostile,
    legacy::{
        self,
        old, //
    },
    multicast::{
        self,
        tell, //
    },
    nests::{
        self,
        nests as given, //
    },
    packing::{
        self,
        amount,
        extent, //
    },
    replies::{
        self,
        defer,
        guarded,
        several, //
    },
    secrets,
    sender::{
        self,
        busy, //
    },
    GenlTest, //
};
genl::operations! {
    for GenlTest;

    /// Return what was read.
    do_reply Old = "old" 1, Anyone + LIBERAL_DO + UNCHECKED_DUMP + LIBERAL_DUMP,
        legacy::OldSet [
            old::Strict, old::Number, old::Bytes, old::Address, old::Short, old::Inside, old::Newer,
            old::NewerAddress, old::NewerInside, old::Unused
        ] -> legacy::ReadSet => old;

    /// The same as a dump of one object.
    dump OldDump = "old" 1, Anyone + LIBERAL_DO + UNCHECKED_DUMP + LIBERAL_DUMP,
        legacy::OldSet [..] => old_dump legacy::Number;

    /// Return each attribute as it was sent.
    do_reply Types = "types" 2, Anyone, attributes::TypesSet [..] => types;

    /// Refuse the request in one of the ways that there are.
    do Refuse = "refuse" 3, Anyone, replies::RefuseSet [..] => refuse;

    /// Reply several times.
    do_reply Several = "several" 4, Anyone,
        replies::SeveralSet [several::Count] -> replies::NumberSet => several;

    /// Reply later.
    do_reply Defer = "defer" 5, Anyone,
        replies::DeferSet [defer::Value, defer::Delay, defer::Way] -> replies::NumberSet
        => defer;

    /// Reply from inside of guards.
    guarded_do_reply Guarded = "guarded" 6, Anyone,
        replies::GuardedSet [guarded::Barred, guarded::Fails]
        => guarded replies::BothGuards;

    /// The same without a reply.
    guarded_do GuardedSet = "guarded-set" 7, Anyone, NoAttrs []
        => guarded_set replies::FamilyGuard;

    /// Change the objects: dumps that have begun are inconsistent from here on.
    do_reply Change = "objects" 8, Anyone, dumps::ChangeSet [] => change;

    /// Dump objects.
    dump Objects = "objects" 8, Anyone,
        dumps::ObjectSet [object::Count, object::Step, object::Size, object::MinAlloc]
        => objects dumps::State;

    /// Send a notification.
    do Tell = "tell" 9, Anyone, multicast::TellSet [tell::Value, tell::Way, tell::Port] => tell;

    /// Return how often a group was joined and left, and who listens now.
    do_reply Watched = "watched" 10, Anyone, multicast::WatchedSet [] => watched;

    /// Return what the kernel knows of the sender.
    do_reply Who = "who" 12, Anyone, sender::WhoSet [] => who;

    /// Count the requests of a socket, and those in a namespace.
    do_reply Count = "count" 13, Anyone, sender::CountSet [] => count;

    /// For the administrator of the machine.
    do AdminOnly = "admin-only" 14, Admin, NoAttrs [] => admin_only;

    /// For the administrator of the network namespace.
    do NetnsAdminOnly = "netns-admin-only" 15, NetnsAdmin, NoAttrs [] => netns_admin_only;

    /// Take some time, and return how many have done so at once.
    do_reply Busy = "busy" 16, Anyone, sender::BusySet [busy::Millis] -> sender::MostSet => busy;

    /// Leave a job for later that owns what unregistering waits for.
    do Hold = "hold" 17, Anyone, NoAttrs [] => hold;

    /// Keep a state for the socket that is hard to drop.
    do Own = "own" 18, Anyone, hostile::OwnSet [..] => own;

    /// Dump the same object again and again.
    dump Stay = "stay" 19, Anyone, hostile::SameSet [] => stay hostile::Stuck;

    /// Return the pairs in each of the nests.
    do_reply Nests = "nests" 20, Anyone,
        nests::NestsSet [
            given::Strict, given::Deprecated, given::Array, given::OldArray, given::Several,
            given::Around, given::Values
        ] -> nests::ParsedSet => nests;

    /// Return what is known of a namespace.
    do_reply Netns = "netns" 40, Anyone,
        bridges::WhichSet [which::Fd, which::Pid, which::Nsid, which::Assign] -> bridges::KnownSet
        => netns;

    /// Return the request itself.
    do_reply Mirror = "mirror" 41, Anyone, bridges::MirrorSet [..] => mirror;

    /// Dump a device with its peers and their entries, as wireguard does.
    dump Device = "device" 42, Anyone,
        packing::ExtentSet [extent::Peers, extent::Entries] -> packing::DeviceSet
        => device packing::At;

    /// Return messages with `NLM_F_MULTI`, as team does.
    do_reply Options = "options" 43, Anyone,
        packing::AmountSet [amount::Options, amount::Way] -> packing::OptionsSet
        => options;

    /// Take secrets, and refuse them.
    do Keep = "keep" 44, Anyone, secrets::KeepSet [..] => keep;
}

genl::groups! {
    for GenlTest;
    Anyone = 0 "anyone", Anyone;
    NetAdmin = 1 "net-admin", NetAdmin;
    SysAdmin = 2 "sys-admin", SysAdmin;
}

genl::notifications! {
    for GenlTest;

    /// The notification of the first group.
    News = "news" 11, multicast::NewsSet => Anyone;

    /// The notification of the second group.
    AdminNews = "news" 11, multicast::NewsSet => NetAdmin;

    /// The notification of the third group.
    SysNews = "news" 11, multicast::NewsSet => SysAdmin;
}
