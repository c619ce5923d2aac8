//! How the bytes of each serial format are put together, and what they tell then.

mod heard;
mod sealed;
mod vendor;

use self::heard::{Heard, Spoken};
use self::sealed::Sealed;
pub(crate) use self::vendor::{Said, Vendor};
use super::and_scale::Weighings;
use super::catalogue::{GattFormat, Model, SerialFormat, Transport};
use super::error::DecodeError;
use super::frames::{Frames, Look, fixed};
use super::lines::Lines;
use super::nonin_3230::SpotCheck;
use super::nonin_df2::framer::Framer;
use super::omron_memory::Reader;
use super::report::Report;
use super::taidoc::Records;
use super::{
    contec_five, contec_nine, masimo_ascii, nonin_df7, nonin_df13, nonin_live, omron_hbp9030,
    suntech, taidoc,
};

/// How the bytes of a device are put together.
#[derive(Debug)]
pub(crate) enum Framing {
    /// Values of standard characteristics are whole.
    None,
    /// Values of a vendor's characteristics.
    Vendor(Vendor),
    /// Packets of Nonin, in either of two formats.
    NoninPackets(Framer),
    NoninAscii(Lines),
    AndScale(Lines, Weighings),
    /// Frames that each stand alone.
    Frames(Frames, Telling),
    /// Frames of one of several formats.
    Heard(Heard),
    /// Blocks of a memory that is read.
    Memory(Reader),
    /// Values that say when there is a record, and records.
    SpotCheck(SpotCheck),
    /// Sealed advertisements.
    Sealed(Sealed),
    /// Replies that belong together.
    TaiDoc(Frames, Records),
    /// Lines that each stand alone.
    Lines(Lines, Telling),
}

/// What a frame or a line that stands alone tells, and how it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Telling {
    /// A sample of a live stream.
    Sample(Read),
    /// A measurement of its own.
    Measurement(Read),
}

/// Reads one frame or line.
pub(crate) type Read = fn(&[u8]) -> Result<Report, DecodeError>;

impl Telling {
    pub(crate) fn report(self, bytes: &[u8]) -> Result<Report, DecodeError> {
        let (Self::Sample(read) | Self::Measurement(read)) = self;
        read(bytes)
    }
}

impl Framing {
    pub(crate) fn of(model: &Model) -> Self {
        let taidoc = || {
            let look: Look = |it| fixed(it, taidoc::FRAME_LEN_BYTES, taidoc::decode);
            Self::TaiDoc(Frames::new(look), Records::new(model.kind))
        };
        let format = match &model.transport {
            Transport::Bluetooth { format: GattFormat::TaiDoc, .. } => return taidoc(),
            Transport::Bluetooth { format: GattFormat::XiaomiS400, .. } => {
                return Self::Sealed(Sealed::default());
            }
            Transport::Bluetooth { format: GattFormat::Nonin3230, .. } => {
                return Self::SpotCheck(SpotCheck::default());
            }
            Transport::Bluetooth { format: GattFormat::OmronMemory(layout), .. } => {
                return Self::Memory(Reader::new(layout));
            }
            Transport::Bluetooth { format, .. } => {
                return Vendor::of(*format).map_or(Self::None, Self::Vendor);
            }
            Transport::Serial { lines } => match lines {
                [line] => line.format,
                several => return Self::Heard(Heard::of(several.iter().map(|it| it.format))),
            },
        };
        let frames = |look: Look, telling| Self::Frames(Frames::new(look), telling);
        let lines = |telling| Self::Lines(Lines::default(), telling);
        match format {
            SerialFormat::NoninDataFormat2 => Self::NoninPackets(Framer::default()),
            SerialFormat::NoninDataFormat7 => Self::NoninPackets(nonin_df7::framer()),
            SerialFormat::NoninAscii => Self::NoninAscii(Lines::default()),
            SerialFormat::AndScale => Self::AndScale(Lines::default(), Weighings::default()),
            SerialFormat::ContecFiveByte => {
                frames(contec_five::look, Spoken::CONTEC_FIVE_BYTE.telling)
            }
            SerialFormat::ContecNineByte => {
                frames(contec_nine::look, Spoken::CONTEC_NINE_BYTE.telling)
            }
            SerialFormat::TaiDoc => taidoc(),
            SerialFormat::MasimoAscii => {
                lines(Telling::Sample(|line| masimo_ascii::decode(line)?.report()))
            }
            SerialFormat::NoninDataFormat1 => {
                let read: Read = |frame| nonin_live::decode_df1(frame)?.report();
                frames(nonin_live::look_df1, Telling::Sample(read))
            }
            SerialFormat::NoninDataFormat8 => {
                let read: Read = |frame| nonin_live::decode_df8(frame)?.report();
                frames(nonin_live::look_df8, Telling::Sample(read))
            }
            SerialFormat::NoninDataFormat13 => {
                let read: Read = |frame| nonin_df13::decode(frame)?.report();
                frames(nonin_df13::look, Telling::Measurement(read))
            }
            SerialFormat::OmronHbp9030 => {
                lines(Telling::Measurement(|line| omron_hbp9030::decode(line)?.report()))
            }
            SerialFormat::SunTech => {
                let read: Read = |reply| suntech::decode(reply)?.report();
                frames(suntech::look, Telling::Measurement(read))
            }
        }
    }
}
