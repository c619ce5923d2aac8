//! The formats of vendors, on serial lines, in Bluetooth characteristics and in advertisements.

use uuid::Uuid;

use super::{Format, Origin, line, line_of, stream_of, whole};
use crate::command::decode::fields::{Fields, vendor as fields};
use crate::device::catalogue::{characteristic, sig_uuid};
use crate::device::nonin_df2::FRAME_LEN_BYTES;
use crate::device::{
    DecodeError, advertisement, biolight, caresens, cms50d_bt, contec_five, contec_nine, detecto,
    jks50f, jumper, lepu, masimo_ascii, microlife, nonin_3230, nonin_df7, nonin_df13, nonin_live,
    omron_790it, omron_eeprom, omron_hbp9030, omron_scale, omron_wlp, pc60fw, suntech, taidoc,
    transtek, viatom, visomat, xiaomi_scale,
};
use crate::link::Source;

/// The format whose bytes are encrypted, for each device with a key of its own.
pub(crate) const SEALED: &str = "Xiaomi S400 MiBeacon v5 AES-CCM (svcdata FE95)";

/// Values of Jumper and Yonker.
const JUMPER: Uuid = Uuid::from_u128(0xCDEA_CB81_5235_4C07_8846_93A3_7EE6_B86D);
/// Values of a serial line of Nordic over Bluetooth.
const NORDIC: Uuid = Uuid::from_u128(0x6E40_0003_B5A3_F393_E0A9_E50E_24DC_CA9E);

/// A value that the hub gets from a device of that model.
const fn value_at(model: &'static str, characteristic: Uuid) -> Origin {
    let source = Source::Characteristic(characteristic);
    Origin { model, source, before: &[], after: &[] }
}

/// Every format of a vendor, in the order of `--list`.
pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "Berry/BCI 5-byte realtime",
        about: "5 bytes of a Berry or BCI oximeter",
        inspect: |bytes| contec_five::decode(bytes).map(|it| fields::berry(&it)),
        origin: None,
    },
    Format {
        name: "Biolight Temp Sitter FFE1",
        about: "temperature of a patch",
        inspect: |bytes| biolight::decode(bytes).map(fields::temperature),
        origin: Some(value_at("biolight-temp-sitter", sig_uuid(0xFFE1))),
    },
    Format {
        name: "CMS50D-BT EB 00",
        about: "pulse wave of a Contec CMS50D-BT",
        inspect: |bytes| cms50d_bt::decode(bytes).map(|it| fields::cms50d_bt(&it)),
        origin: None,
    },
    Format {
        name: "CMS50D-BT EB 01",
        about: "values of a Contec CMS50D-BT",
        inspect: |bytes| cms50d_bt::decode(bytes).map(|it| fields::cms50d_bt(&it)),
        origin: Some(value_at("contec-cms50d-bt", sig_uuid(0xFF02))),
    },
    Format {
        name: "CMS50D-BT command",
        about: "command to a Contec CMS50D-BT",
        inspect: |bytes| cms50d_bt::decode_command(bytes).map(fields::cms50d_bt_command),
        origin: None,
    },
    Format {
        name: "CareSens custom time write",
        about: "time for a CareSens meter",
        inspect: |bytes| caresens::decode_time(bytes).map(fields::datetime),
        origin: None,
    },
    Format {
        name: "Contec 5-byte realtime",
        about: "5 bytes of a Contec oximeter",
        inspect: |bytes| contec_five::decode(bytes).map(|it| fields::contec_five(&it)),
        origin: Some(stream_of("contec-5byte")),
    },
    Format {
        name: "Contec 9-byte command",
        about: "command to a Contec oximeter",
        inspect: |bytes| contec_nine::decode_command(bytes).map(|it| fields::contec_command(&it)),
        origin: None,
    },
    Format {
        name: "Contec 9-byte realtime",
        about: "9 bytes of a Contec oximeter",
        inspect: |bytes| contec_nine::decode(bytes).map(|it| fields::contec_nine(&it)),
        origin: Some(stream_of("contec-9byte")),
    },
    Format {
        name: "Contec storage 0x0F",
        about: "three seconds of a Contec oximeter's memory",
        inspect: |bytes| contec_nine::decode_memory(bytes).map(|it| fields::contec_memory(&it)),
        origin: None,
    },
    Format {
        name: "HCI LE adv: Laica",
        about: "advertising report of a Laica scale",
        inspect: |bytes| advertised(bytes, |it| it.laica()),
        origin: None,
    },
    Format {
        name: "HCI LE adv: Senssun IF_B7",
        about: "advertising report of a Senssun scale",
        inspect: |bytes| advertised(bytes, |it| it.senssun()),
        origin: None,
    },
    Format {
        name: "HCI LE adv: Xiaogui TZC4",
        about: "advertising report of a Xiaogui scale",
        inspect: |bytes| advertised(bytes, |it| it.xiaogui()),
        origin: None,
    },
    Format {
        name: "HCI LE advertising report (legacy)",
        about: "advertising report, with what a Xiaomi scale says in it",
        inspect: report,
        origin: None,
    },
    Format {
        name: "Detecto 2A9D",
        about: "weight of a Detecto scale, which has a flag of its own",
        inspect: |bytes| detecto::decode(bytes).map(|it| fields::detecto(&it)),
        origin: Some(value_at("detecto-scale", sig_uuid(characteristic::WEIGHT))),
    },
    Format {
        name: "JKS50F FFE1 69-byte",
        about: "69 bytes of a JKS50F oximeter",
        inspect: |bytes| jks50f::decode(bytes).map(|it| fields::jks50f(&it)),
        origin: Some(value_at("jks50f", sig_uuid(0xFFE1))),
    },
    Format {
        name: "Jumper JPD-500F CDEACB81",
        about: "values or pulse wave of a Jumper oximeter",
        inspect: |bytes| jumper::decode_jpd_500f(bytes).map(|it| fields::jumper_oximeter(&it)),
        origin: Some(value_at("jumper-jpd-500f", JUMPER)),
    },
    Format {
        name: "Jumper JPD-HA120 FFF1",
        about: "result of a Jumper cuff",
        inspect: |bytes| jumper::decode_jpd_ha120(bytes).map(|it| fields::jumper_cuff(&it)),
        origin: Some(value_at("jumper-jpd-ha120", sig_uuid(0xFFF1))),
    },
    Format {
        name: "Lepu BP2W file",
        about: "stored measurements of a Lepu cuff",
        inspect: |bytes| lepu::decode_records(bytes).map(|it| fields::lepu_records(&it)),
        origin: None,
    },
    Format {
        name: "Lepu V2 (A5) reply",
        about: "frame of a Lepu device",
        inspect: |bytes| lepu::decode(bytes).map(|it| fields::lepu(&it)),
        origin: None,
    },
    Format {
        name: "Lepu V2 (A5) request",
        about: "frame to a Lepu device",
        inspect: |bytes| lepu::decode(bytes).map(|it| fields::lepu(&it)),
        origin: None,
    },
    Format {
        name: "Masimo ASCII 1",
        about: "one line of a Masimo oximeter",
        inspect: |bytes| masimo_ascii::decode(line(bytes)).map(|it| fields::masimo(&it)),
        origin: Some(line_of("masimo-ascii-1")),
    },
    Format {
        name: "Microlife ack",
        about: "frame of a Microlife cuff",
        inspect: |bytes| microlife::decode(bytes).map(fields::microlife),
        origin: None,
    },
    Format {
        name: "Microlife disconnect",
        about: "frame to a Microlife cuff",
        inspect: |bytes| microlife::decode(bytes).map(fields::microlife),
        origin: None,
    },
    Format {
        name: "Microlife history reply (B3/B6)",
        about: "memory of a Microlife cuff",
        inspect: |bytes| microlife::decode_history(bytes).map(|it| fields::microlife_history(&it)),
        origin: None,
    },
    Format {
        name: "Microlife request",
        about: "frame to a Microlife cuff",
        inspect: |bytes| microlife::decode(bytes).map(fields::microlife),
        origin: None,
    },
    Format {
        name: "Microlife set time",
        about: "frame to a Microlife cuff",
        inspect: |bytes| microlife::decode(bytes).map(fields::microlife),
        origin: None,
    },
    Format {
        name: "Nonin 3230 0AAD7EA0",
        about: "what a Nonin 3230 tells each second",
        inspect: |bytes| nonin_3230::decode(bytes).map(fields::nonin_3230),
        origin: Some(value_at("nonin-3230", nonin_3230::EACH_SECOND)),
    },
    Format {
        name: "Nonin DF1",
        about: "3 bytes of Nonin Data Format 1",
        inspect: |bytes| nonin_live::decode_df1(bytes).map(|it| fields::nonin_live(&it)),
        origin: Some(stream_of("nonin-df1")),
    },
    Format {
        name: "Nonin DF13",
        about: "spot check of Nonin Data Format 13",
        inspect: |bytes| nonin_df13::decode(bytes).map(|it| fields::nonin_df13(&it)),
        origin: Some(stream_of("nonin-df13")),
    },
    Format {
        name: "Nonin DF7 frame",
        about: "5 bytes of Nonin Data Format 7",
        inspect: |bytes| {
            let frame = whole::<FRAME_LEN_BYTES>(bytes)?;
            nonin_df7::Frame::decode(frame).map(fields::nonin_df7_frame)
        },
        origin: None,
    },
    Format {
        name: "Nonin DF7 packet (25 frames)",
        about: "125 bytes of Nonin Data Format 7",
        inspect: |bytes| {
            nonin_df7::decode(bytes).map(|it| crate::command::decode::fields::nonin_packet(&it))
        },
        origin: Some(stream_of("nonin-df7")),
    },
    Format {
        name: "Nonin DF8",
        about: "4 bytes of Nonin Data Format 8",
        inspect: |bytes| nonin_live::decode_df8(bytes).map(|it| fields::nonin_live(&it)),
        origin: Some(stream_of("nonin-df8")),
    },
    Format {
        name: "Omron 790IT GDC reply payload",
        about: "number of measurements of an Omron 790IT",
        inspect: |bytes| omron_790it::decode_count(bytes).map(fields::omron_count),
        origin: None,
    },
    Format {
        name: "Omron 790IT HID/GME reply payload",
        about: "measurement of an Omron 790IT",
        inspect: |bytes| omron_790it::decode(bytes).map(|it| fields::omron_790it(&it)),
        origin: None,
    },
    Format {
        name: "Omron 790IT weekly average payload",
        about: "average of a week of an Omron 790IT",
        inspect: |bytes| omron_790it::decode_average(bytes).map(|it| fields::omron_average(&it)),
        origin: None,
    },
    Format {
        name: "Omron EEPROM record LE-16",
        about: "16 bytes of an Omron cuff's memory",
        inspect: |bytes| omron_eeprom::decode_packed_16(bytes).map(|it| fields::omron_record(&it)),
        origin: None,
    },
    Format {
        name: "Omron EEPROM record bitpacked-14 BE",
        about: "14 bytes of an Omron cuff's memory",
        inspect: |bytes| omron_eeprom::decode_packed_14(bytes).map(|it| fields::omron_record(&it)),
        origin: None,
    },
    Format {
        name: "Omron EEPROM record classic-14 LE",
        about: "14 bytes of an Omron cuff's memory",
        inspect: |bytes| omron_eeprom::decode_classic(bytes).map(|it| fields::omron_record(&it)),
        origin: None,
    },
    Format {
        name: "Omron EEPROM time section (modern, offset 8)",
        about: "clock in an Omron cuff's memory",
        inspect: |bytes| omron_eeprom::decode_time(bytes).map(fields::omron_time),
        origin: None,
    },
    Format {
        name: "Omron HBF/WLC 32-byte record",
        about: "record of an Omron scale",
        inspect: |bytes| omron_scale::decode(bytes).map(|it| fields::omron_scale(&it)),
        origin: None,
    },
    Format {
        name: "Omron HBF/WLC 48-byte record",
        about: "record of an Omron scale",
        inspect: |bytes| omron_scale::decode(bytes).map(|it| fields::omron_scale(&it)),
        origin: None,
    },
    Format {
        name: "Omron HBP-9030 CSV",
        about: "one line of an Omron HBP-9030",
        inspect: |bytes| omron_hbp9030::decode(line(bytes)).map(|it| fields::omron_hbp9030(&it)),
        origin: Some(line_of("omron-hbp-9030")),
    },
    Format {
        name: "Omron WLP frame",
        about: "frame of the memory of an Omron device",
        inspect: |bytes| omron_wlp::decode(bytes).map(|it| fields::omron_wlp(&it)),
        origin: None,
    },
    Format {
        name: "PC-60FW NUS frame",
        about: "values, pulse wave or other words of a PC-60FW oximeter",
        inspect: |bytes| pc60fw::decode(bytes).map(|it| fields::pc60fw(&it)),
        origin: Some(value_at("viatom-pc-60fw", NORDIC)),
    },
    Format {
        name: "PC-60FW NUS frame (CRC omitted in source)",
        about: "the same, with or without its last byte",
        inspect: |bytes| pc60fw::decode_either(bytes).map(|it| fields::pc60fw(&it)),
        origin: None,
    },
    Format {
        name: "SunTech NIBP command",
        about: "command to a SunTech module",
        inspect: |bytes| suntech::decode_command(bytes).map(|it| fields::suntech_command(&it)),
        origin: None,
    },
    Format {
        name: "SunTech NIBP reply",
        about: "reply of a SunTech module",
        inspect: |bytes| suntech::decode(bytes).map(|it| fields::suntech(&it)),
        origin: Some(stream_of("suntech-nibp")),
    },
    Format {
        name: "TaiDoc 8-byte",
        about: "frame of a TaiDoc or Fora meter",
        inspect: taidoc_frame,
        origin: None,
    },
    Format {
        name: "TaiDoc 8-byte (char 1524)",
        about: "the same over Bluetooth",
        inspect: taidoc_frame,
        origin: None,
    },
    Format {
        name: "TaiDoc datetime d0..d3",
        about: "the time in a frame of them",
        inspect: |bytes| taidoc::decode_time(bytes).map(fields::taidoc_time),
        origin: None,
    },
    Format {
        name: "Transtek 8A21/8A24 weight",
        about: "weight of a Transtek scale",
        inspect: |bytes| transtek::decode_weight(bytes).map(|it| fields::transtek_weight(&it)),
        origin: Some(value_at("transtek-bs444", sig_uuid(0x8A21))),
    },
    Format {
        name: "Transtek 8A22 body",
        about: "body composition of a Transtek scale",
        inspect: |bytes| transtek::decode_body(bytes).map(|it| fields::transtek_body(&it)),
        origin: None,
    },
    Format {
        name: "Transtek A3 challenge (0x20 reply = password XOR random)",
        about: "password and random bytes of a Transtek scale",
        inspect: |bytes| transtek::answer(bytes).map(fields::transtek_answer),
        origin: None,
    },
    Format {
        name: "Viatom 0x17 reply (first 20-byte notification)",
        about: "live values of a Viatom oximeter, with or without the last byte",
        inspect: |bytes| viatom::decode_live(bytes).map(|it| fields::viatom(&it)),
        origin: None,
    },
    Format {
        name: "Viatom request 0x17",
        about: "request to a Viatom oximeter",
        inspect: |bytes| viatom::decode_request(bytes).map(|it| fields::viatom_request(&it)),
        origin: None,
    },
    Format {
        name: "Visomat R00 response payload",
        about: "memory of a Visomat cuff",
        inspect: |bytes| visomat::decode(bytes).map(|it| fields::visomat(&it)),
        origin: None,
    },
    Format {
        name: SEALED,
        about: "weighing of a Xiaomi S400, with its key and address",
        inspect: |_sealed| Err(DecodeError::KeyNeeded),
        origin: None,
    },
    Format {
        name: "Xiaomi v1 svcdata 181D",
        about: "weighing of a Xiaomi scale of the first kind",
        inspect: |bytes| xiaomi_scale::decode_v1(bytes).map(|it| fields::xiaomi_v1(&it)),
        origin: None,
    },
    Format {
        name: "Xiaomi v2 over GATT 181B/2A9C",
        about: "weighing of a Xiaomi scale of the second kind",
        inspect: |bytes| xiaomi_scale::decode_v2(bytes).map(|it| fields::xiaomi_v2(&it)),
        origin: None,
    },
    Format {
        name: "Xiaomi v2 svcdata 181B",
        about: "weighing of a Xiaomi scale of the second kind",
        inspect: |bytes| xiaomi_scale::decode_v2(bytes).map(|it| fields::xiaomi_v2(&it)),
        origin: None,
    },
    Format {
        name: "Xiaomi v2 svcdata 181B / GATT 2A9C",
        about: "weighing of a Xiaomi scale of the second kind",
        inspect: |bytes| xiaomi_scale::decode_v2(bytes).map(|it| fields::xiaomi_v2(&it)),
        origin: None,
    },
    Format {
        name: "Yonker YK-IBPA1 CDEACB81",
        about: "result of a Yonker cuff",
        inspect: |bytes| jumper::decode_yonker(bytes).map(|it| fields::jumper_cuff(&it)),
        origin: Some(value_at("yonker-cuff", JUMPER)),
    },
];

/// What an advertising report says, with what a scale says in it.
fn advertised(
    bytes: &[u8],
    read: fn(&advertisement::Advertisement<'_>) -> Result<advertisement::Weighing, DecodeError>,
) -> Result<Fields, DecodeError> {
    let advertisement = advertisement::decode(bytes)?;
    let weighing = read(&advertisement)?;
    Ok(fields::weighing(&weighing).into_iter().chain(fields::report(&advertisement)).collect())
}

/// What an advertising report says, with what a Xiaomi scale says in it, if one sent it.
fn report(bytes: &[u8]) -> Result<Fields, DecodeError> {
    let advertisement = advertisement::decode(bytes)?;
    let first = advertisement.service(0x181D).map(|it| (it, xiaomi_scale::decode_v1(it)));
    let second = advertisement.service(0x181B).map(|it| (it, xiaomi_scale::decode_v2(it)));
    let mut shown = fields::report(&advertisement);
    if let Some((payload, weighing)) = first {
        shown.push(fields::payload(payload));
        shown.extend(fields::xiaomi_v1(&weighing?));
    } else if let Some((payload, weighing)) = second {
        shown.push(fields::payload(payload));
        shown.extend(fields::xiaomi_v2(&weighing?));
    }
    Ok(shown)
}

fn taidoc_frame(bytes: &[u8]) -> Result<Fields, DecodeError> {
    let frame = taidoc::decode(bytes)?;
    Ok(fields::taidoc(&frame, frame.reply().unwrap_or_default()))
}
