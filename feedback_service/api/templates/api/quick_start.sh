API={{ settings.public_url }}/api/v1
RUN=${DATA_DIR:-var}/run.json
KEY=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["api_key"])' "$RUN")
CENTRE=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["centre"])' "$RUN")
ask() { curl -sS --fail-with-body -w '\n' -H "Content-Type: application/json" "$@"; }

ask "$API/cases" -H "Authorization: Bearer $KEY" -d @- <<END | tee case.json
{"centre": "$CENTRE", "case_number": "quick-start-$RANDOM$RANDOM",
 "service": {"code": "00034", "title": "Реєстрація місця проживання"}, "front_office": "offline",
 "status": "completed", "status_at": "$(date -u +%Y-%m-%dT%H:%M:%SZ)"}
END
TOKEN=$(python3 -c 'import json; print(json.load(open("case.json"))["invitation"]["url"][-26:])')

ask "$API/surveys/$TOKEN?lang=en"

ask "$API/surveys/$TOKEN/responses" -d @- <<END
{"client_id": "$(python3 -c 'import uuid; print(uuid.uuid4())')", "language": "uk",
 "answers": {"off.nps": 9, "off.staff": "great", "any.reasons": ["seats"]}}
END

ask "$API/summaries?centre=$CENTRE" -H "Authorization: Bearer $KEY"
