"""A look at a survey counts when a person looks, whatever the telephone is called."""

import pytest
from flask import Flask

from kiosk_ui.survey.form import is_read_by_person

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
PEOPLE = [
    f"Mozilla/5.0 (Linux; Android 8.1.0; CUBOT X18 Plus) {WEBKIT} Chrome/96.0.4664.104 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20 PRO) {WEBKIT} Chrome/119.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; CUBOT) {WEBKIT} Chrome/83.0.4103.106 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 7.0; CUBOT_NOTE_S Build/NRD90M) {WEBKIT} Chrome/64.0.3282.137 Mobile Safari/537.36",
    "CUBOT_X18/V1.0 Linux/3.18.35 Android/7.0 Release/12.20.2017 Browser/AppleWebKit537.36 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; U; Android 9; uk-UA; CUBOT POWER Build/PPR1) UCBrowser/13.4.0.1306 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 9; wv) {WEBKIT} Chrome/120 Mobile Safari/537.36 [FB_IAB/FB4A;FBDV/CUBOT/9;]",
    f"Mozilla/5.0 (Linux; Android S Developer Preview; Pixel 4) {WEBKIT} Chrome/90.0.4430.66 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 13; SM-A536B) {WEBKIT} SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 [Pinterest/iOS]",
    f"Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) {WEBKIT} Version/4.0 Chrome/120 Mobile Safari/537.36 okhttp/4.9.1",
    "Mozilla/5.0 (Android 13; Mobile; rv:120.0) Gecko/120.0 Firefox/120.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Opera/9.80 (Android; Opera Mini/36.2/191.273; U; uk) Presto/2.12.423 Version/12.16",
    "",
]
PROGRAMS = [
    "TelegramBot (like TwitterBot)",
    "WhatsApp/2.23.20.0 A",
    "Viber/13.3.0.22",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
    "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Twitterbot/1.0",
    "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {WEBKIT} Chrome/120.0.0.0 Mobile Safari/537.36 "
    "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0.1938.76 Safari/537.36",
    f"Mozilla/5.0 (Windows NT 6.1; WOW64) {WEBKIT} Chrome/48 Safari/537.36 BingPreview/1.0b",
    "Baiduspider/2.0",
    "curl/8.5.0",
    "Wget/1.21.4",
    "python-requests/2.32.3",
    "Python-urllib/3.11",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
    "Java/17.0.9",
    "Apache-HttpClient/4.5.14 (Java/17.0.9)",
    f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)",
    "ia_archiver",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17029; Pro)",
    "Microsoft Office Word 2014",
    "Pinterest/0.2",
    "axios/1.7.2",
    "Python/3.11 aiohttp/3.9.5",
    "aiohttp/3.9.5",
    "libwww-perl/6.77",
    "PostmanRuntime/7.39.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 zgrab/0.x",
    "masscan/1.3 (https://github.com/robertdavidgraham/masscan)",
    "Signal-Android/7.9.6",
    "Scrapy/2.11.2",
    "HTTPie/3.2.2",
    "node-fetch/1.0",
    "GuzzleHttp/7",
]


def is_person(app: Flask, agent: str) -> bool:
    with app.test_request_context("/S/X", headers={"User-Agent": agent}):
        return is_read_by_person()


@pytest.mark.parametrize("agent", PEOPLE)
def test_the_browser_of_a_telephone_or_computer_is_a_person(app: Flask, agent: str) -> None:
    assert is_person(app, agent)


@pytest.mark.parametrize("agent", PROGRAMS)
def test_what_fetches_a_link_for_its_preview_or_for_a_search_is_a_program(app: Flask, agent: str) -> None:
    assert not is_person(app, agent)
