//! Everything that can happen in a world, at a time of its own.

use std::time::Duration;

use vitals::Sequence;

use crate::broker::Message;
use crate::disk::Failure;

#[derive(Debug)]
pub(crate) enum Happening {
    /// A client puts the cuff on.
    Measures { home: usize },
    /// The cuff has a connection to the hub.
    CuffConnects { home: usize },
    /// A client puts a finger into the oximeter.
    StayBegins { home: usize },
    /// The oximeter says a line.
    Line { home: usize, left: u32 },
    /// By now the last line has to be a reading.
    StayIsOver { home: usize, line: Vec<u8>, at: Duration, life: u32 },
    /// The hub has a deadline.
    HubDue { home: usize, life: u32 },
    /// The hub dials the broker.
    HubDials { home: usize, attempt: u32 },
    /// The hub's connection has a deadline.
    UplinkDue { home: usize, connection: u32 },
    /// The hub notices that its connection is dead.
    HubNotices { home: usize, connection: u32 },
    /// The broker notices that a hub's connection is dead.
    BrokerNotices { home: usize, connection: u32 },
    /// A packet reaches the broker.
    Up { home: usize, connection: u32, packet: Up },
    /// A packet reaches a hub.
    Down { home: usize, connection: u32, packet: Down },
    /// The station dials the broker.
    StationDials { attempt: u32 },
    /// The station notices that its connection is dead.
    StationNotices { connection: u32 },
    /// The broker has the station's subscription.
    StationSubscribes { connection: u32 },
    /// A message reaches the station.
    ToStation { connection: u32, number: u64, message: Message },
    /// A message of the station reaches the broker.
    FromStation { connection: u32, message: Message },
    /// The station's desk takes what waits.
    DeskDue { life: u32 },
    /// The station has a deadline.
    StationDue { life: u32 },
    /// The nurses look at the board.
    NursesLook,
    /// Something goes wrong.
    Strikes(Fault),
    /// Something may be well again.
    Heals(Part),
    /// A raised alert of high priority has to be at the agency if nothing was in its way.
    AlertCheck { home: usize, seq: Sequence, card: usize },
    /// What was committed a while ago has to be at the agency if nothing was in its way.
    ArrivalCheck { home: usize },
    /// An order has to be at the home if nothing was in its way.
    OrderCheck { command: String },
    /// Everything is repaired; all that was committed has to arrive.
    CalmBegins,
    /// It has to have arrived.
    CalmIsOver,
}

/// A packet of a hub.
#[derive(Debug)]
pub(crate) enum Up {
    Subscribe,
    Publish { packet: u64, message: Message },
    Disconnect,
}

/// A packet for a hub.
#[derive(Debug)]
pub(crate) enum Down {
    Subscribed,
    Acknowledged { packet: u64 },
    Publish(Message),
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The hub's process dies.
    HubDies { home: usize, lasting: Duration },
    /// The home has no power; its clock may start anywhere.
    PowerFails { home: usize, lasting: Duration },
    /// The hub is stopped and started.
    HubIsRestarted { home: usize },
    /// The home has no network.
    LinkFails { home: usize, lasting: Duration },
    /// The hub's clock is wrong by that many seconds.
    ClockSteps { home: usize, by_s: i64, lasting: Duration },
    /// The hub cannot write.
    HubDiskFails { home: usize, failure: Failure, lasting: Duration },
    /// The hub gets an empty card.
    CardIsReplaced { home: usize },
    /// The cuff comes back from a holiday with so many records.
    Holiday { home: usize, n: u32 },
    /// The station's process dies.
    StationDies { lasting: Duration },
    /// The station has no network.
    StationLinkFails { lasting: Duration },
    /// The station cannot write.
    StationDiskFails { failure: Failure, lasting: Duration },
    /// The station's database is copied.
    StationIsSaved,
    /// The station goes on from its copy.
    StationIsRestored,
    /// The broker dies.
    BrokerDies { lasting: Duration },
    /// The broker writes to its disk.
    BrokerSaves,
    /// Nobody looks at the board.
    NursesAreSilent { lasting: Duration },
}

/// What can be well again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Hub(usize),
    HubLink(usize),
    HubClock(usize),
    HubDisk(usize),
    Station,
    StationLink,
    StationDisk,
    Broker,
}
