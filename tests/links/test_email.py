"""Letters over real SMTP: whole and in Khmer, refused for good or for now, never with a second header in an address."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from saat.links.email.client import FolderClient, Letter, NotSent, SmtpClient, email_client, message_of
from tests.mailserver import mail_server, scripted_server

SENDER = "saat@city.example"
WRITTEN = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
KHMER = "សូមអរគុណ។ សាលារាជធានីភ្នំពេញបានទទួលរបាយការណ៍របស់អ្នក\n\nhttp://city.example/r/abc\n"


def letter(*, to: str = "dara@home.example", subject: str = "ករណី K7Q2-9M4X", text: str = KHMER) -> Letter:
    return Letter(to=to, subject=subject, text=text, letter_id="saat-7-1", written_at=WRITTEN)


def client(url: str, **options: float) -> SmtpClient:
    return SmtpClient(url, sender=SENDER, **options)


def test_a_khmer_letter_arrives_as_it_was_written():
    with mail_server() as postbox:
        client(postbox.url).send(letter())
    ((address, message),) = postbox.received
    assert address == "dara@home.example"
    assert message["To"] == "dara@home.example"
    assert message["From"] == SENDER
    assert message["Subject"] == "ករណី K7Q2-9M4X"
    assert message["Message-ID"] == "<saat-7-1@city.example>"
    assert message["Date"].datetime == WRITTEN
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == KHMER


def test_lines_that_mean_something_to_mail_servers_arrive_as_they_are():
    text = "one\n.\n..two\nFrom here\n" + "ក" * 3000 + "\n"
    with mail_server() as postbox:
        client(postbox.url).send(letter(text=text))
    assert postbox.texts()[0].replace("\r\n", "\n") == text


@pytest.mark.parametrize(
    "to",
    [
        "dara@home.example\nBcc: all@evil.example",
        "dara@home.example\r\nSubject: free money",
        "dara@home.example, other@evil.example",
        "dara@home.example>\nRCPT TO:<other@evil.example",
        "Dara <dara@home.example>",
        "no address at all",
        "@home.example",
        "dara@",
        "",
        "dara@home.example\x00",
        "a@b@c.example",
    ],
)
def test_an_address_that_is_none_or_smuggles_is_refused_for_good(to):
    with mail_server() as postbox:
        with pytest.raises(NotSent) as refusal:
            client(postbox.url).send(letter(to=to))
        assert refusal.value.for_good
    assert postbox.tried == []


def test_a_subject_cannot_add_a_header():
    with mail_server() as postbox:
        client(postbox.url).send(letter(subject="Work for you\r\nBcc: all@evil.example\n\n<script>"))
    ((_address, message),) = postbox.received
    assert message["Bcc"] is None
    assert message["Subject"] == "Work for you Bcc: all@evil.example <script>"


def test_an_unknown_recipient_is_refused_for_good_and_a_busy_one_for_now():
    with mail_server() as postbox:
        postbox.answers = {"gone@home.example": "550 no such mailbox", "full@home.example": "451 try later"}
        with pytest.raises(NotSent, match="550") as refusal:
            client(postbox.url).send(letter(to="gone@home.example"))
        assert refusal.value.for_good
        with pytest.raises(NotSent, match="451") as refusal:
            client(postbox.url).send(letter(to="full@home.example"))
        assert not refusal.value.for_good
    assert postbox.received == []


@pytest.mark.parametrize("answer", ["451 later", "552 too large", "554 this looks like spam"])
def test_a_letter_that_the_server_does_not_take_after_all_is_tried_again(answer):
    with mail_server() as postbox:
        postbox.after_data = answer
        with pytest.raises(NotSent, match=answer[:3]) as refusal:
            client(postbox.url).send(letter())
        assert not refusal.value.for_good


def test_no_server_at_all_is_tried_again():
    with scripted_server() as url:
        pass  # it is gone now
    with pytest.raises(NotSent, match="cannot be reached") as refusal:
        client(url).send(letter())
    assert not refusal.value.for_good


@pytest.mark.parametrize(
    "says",
    [
        (),
        (b"220 hello\r\n",),
        (b"554 go away\r\n",),
        (b"nonsense\r\n",),
        (b"\xff\xfe\r\n",),
        (b"220 " + b"x" * 100_000,),
    ],
    ids=["closes", "closes after hello", "554", "nonsense", "bytes", "endless line"],
)
def test_a_server_that_speaks_no_smtp_is_tried_again(says):
    with scripted_server(*says) as url, pytest.raises(NotSent) as refusal:
        client(url, timeout_s=2).send(letter())
    assert not refusal.value.for_good


@pytest.mark.parametrize(
    "says", [(b"220 hello\r\n",), (b"220-hel",)], ids=["after the greeting", "within the greeting"]
)
def test_a_server_that_says_nothing_more_is_left_when_time_is_up(says):
    with scripted_server(*says, then_close=False) as url:
        before = time.monotonic()
        with pytest.raises(NotSent):
            client(url, timeout_s=30, whole_s=0.3).send(letter())
        assert time.monotonic() - before < 5


def test_a_letter_counts_as_sent_though_the_server_does_not_say_goodbye():
    says = (b"220 hello\r\n", b"250 you\r\n", b"250 from\r\n", b"250 to\r\n", b"354 go on\r\n", b"250 taken\r\n")
    with scripted_server(*says) as url:
        client(url, timeout_s=5).send(letter())


def test_a_password_is_not_sent_to_a_server_that_does_not_ask_and_nothing_goes_in_the_clear_where_tls_is_wanted():
    with mail_server() as postbox:
        with_password = postbox.url.replace("smtp://", "smtp://user:p%40ss@")
        with pytest.raises(NotSent) as refusal:
            client(with_password).send(letter())
        assert "p@ss" not in str(refusal.value)
        with pytest.raises(NotSent):
            client(f"{postbox.url}?starttls").send(letter())
    assert postbox.received == []


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25"])
def test_what_is_no_mail_server_is_refused_at_the_start(url):
    with pytest.raises(ValueError, match="smtp://host:port"):
        email_client(url, folder=None, sender=SENDER)


def test_without_a_server_letters_become_files_one_each(tmp_path):
    null = email_client("", folder=tmp_path / "mail", sender=SENDER)
    assert isinstance(null, FolderClient)
    null.send(letter())
    null.send(letter())
    (path,) = (tmp_path / "mail").iterdir()
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message.get_content().replace("\r\n", "\n") == KHMER
    assert "សាលារាជធានីភ្នំពេញ" in path.read_text(encoding="utf-8")
    with pytest.raises(NotSent):
        null.send(letter(to="a@b.example\nBcc: c@d.example"))


def test_a_file_of_a_letter_stays_in_its_folder(tmp_path):
    folder = tmp_path / "mail"
    strange = Letter(to="a@b.example", subject="", text="", letter_id="../../etc/passwd", written_at=WRITTEN)
    FolderClient(folder, sender=SENDER).send(strange)
    assert [path.parent for path in tmp_path.rglob("*.eml")] == [folder]


def test_the_letter_is_plain_ascii_on_the_wire():
    raw = bytes(message_of(letter(), sender=SENDER))
    assert raw.isascii()
    assert all(len(line) < 1000 for line in raw.split(b"\r\n"))
