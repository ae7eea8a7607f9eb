"""Which words in capitals are words and which are abbreviations."""

from __future__ import annotations

_VERB = (
    r"\s(?:is|was|has|will|can|could|does|did|should|would|works|means|makes|takes|may|must|depends|happens"
    r"|matters|all|out|up|down|yourself)\b"
)
# words that are also abbreviations -> what follows them where they are words
AMBIGUOUS = {
    "it": _VERB, "us": "", "who": r"\s(?:are|is|was|were|did|does|do|can|would|will|wrote|invented|discovered"
    r"|made|said|won|has|had)\s(?:you|he|she|they|it|we|the|this|that|a|an)\b",
    "or": r"\s[a-z]", "in": r"\s[a-z]", "no": r"\s[a-z]|[,.!]|$", "am": r"\s[a-z]", "pm": "", "so": r"\s[a-z]|,",
    "all": r"\s[a-z]", "aids": "", "led": "", "pin": "", "may": r"\s[a-z]", "can": r"\s[a-z]", "ad": "",
    "be": r"\s[a-z]", "as": r"\s[a-z]", "if": r"\s[a-z]", "me": r"[\s.,!?]|$", "he": r"\s[a-z]", "ok": "", "id": "",
    "up": r"[\s.,!?]|$", "map": "", "act": r"\s[a-z]", "sat": "", "mad": "", "age": "", "cat": "", "bed": "", "don": "",
    "pet": "", "rip": "",
}  # fmt: skip
ACRONYMS = frozenset(
    """
    AA AAA AC ACT AD ADHD ADP AI AIDS AKA AM AMP API APR ASAP ASCII ATM ATP AU BA BBC BC BCE BIOS BMI BP BS CAD CAT CBT
    CBSE CD CDC CE CEO CERN CFC CGI CIA CIO CMOS CNN CO COD CPI CPR CPU CRT CSS CT CTO CV DC DDT DIY DJ DNA DNS DOS DPI
    DVD EBITDA ECG ECHR ECOWAS EEC EEG EFTA EMF ESA ESL EST ETA EU FAO FAQ FBI FDA FDI FIFA FM FTP FYI GATT GCC GCD GCSE
    GDP GDPR GHG GIF GIS GMO GMT GNI GNP GPA GPS GPU GUI HDI HDMI HIV HR HTML HTTP HTTPS IAEA IB IBM ICJ ICT ID IDE IE
    IEEE IELTS ILO IMF INTERPOL IO IOC IP IPA IPCC IPO IQ IR IRA IRS ISBN ISO ISP ISS IT IUPAC IV IVF JPEG JSON KGB KPI
    LAN LASER LCD LCM LED LGBT LPG LSD MA MBA MD MIT ML MMR MP MRI MRSA MS NAACP NAFTA NASA NATO NBA NGO NHS NIH NSA
    OECD OK OPEC OS OSHA PC PCR PDF PE PH PHP PIN PM PNG PPE PR PS PTSD PVC QED QR RADAR RAF RAM REM RNA ROI ROM RPM
    RSVP SARS SAT SDG SEC SI SIM SME SMS SOAP SONAR SOS SQL SSD SSR STD STEM STI SUV SWOT TB TCP TED TEFL TGV TNT TOEFL
    TV UAE UCLA UDP UEFA UFO UK UN UNDP UNESCO UNHCR UNICEF UNIX URL US USA USAID USB USD USDA USSR UTC UV VAT VHS VIP
    VPN VR WAN WC WHO WIFI WMO WTO WWF WWI WWII WWW XML YMCA ZIP ANZAC APEC ASEAN BRICS COBOL COVID DARPA EPA FORTRAN
    HADRON JAVA MAOI MERCOSUR NAND NOR XOR SALT START SAARC SCUBA SEATO SWAT TCDD TREX UML USS HMS NPT NPV IRR GAAP CAGR
    MAP PEMDAS BODMAS SOHCAHTOA FOIL ROYGBIV ER DDR BRD SS SA SPD CDU NSDAP KPD CCP CPSU PLO IRA ANC UNITA FARC
    """.split()  # noqa: SIM905
)
# words that are stressed in running text; in a sentence that is all in capitals every word is one
STRESSED = frozenset(
    """
    a about above after again against all almost along already also always among an and another answer any anyone
    anything are aren't around as ask at avoid away back bad be because become been before began begin behind being
    believe below best better between beyond big bigger both bottom bring but by call called came can can't cannot
    careful carefully caution change check choose clear close cold come comes complete correct could count cut danger
    day days death deep definitely did didn't die different difficult direct divide do does doesn't doing don't done
    door down draw dry during each early easy either else end enough equal equals error especially even ever every
    everyone everything exact exactly example except extra extremely fact false far fast few final finally find first
    five follow food for forever forget four free from full fun gave get give given go goes going gone good got great
    green had half hand happen hard has have he head hear help her here hers herself high him himself his hold home hot
    house how however huge hurry i i'm idea if important impossible in incorrect indeed inside instead into is isn't it
    its itself job just keep key kind knew know large last late later lead least leave left less let life like line
    listen little live long look lot low made main make many matter matters maximum may me mean meant memorize might
    mine minimum minus more most move much multiply must my myself name near necessary need needed negative neither
    never new next nice no none nor not note nothing now number of off often old on once one only open opposite or order
    other others our ours out outside over own part pay people perfect perhaps place plan play please plus point
    positive possible practice probably problem proof pull push put question quick quickly quiet quietly quite rather
    reach read ready real really reason red remember repeat rest right rule run safe safety said same save saw say
    second see seem self sell sentence set several shall she short should show side silence simple since single sit six
    skip slow slowly small so some someone something sometimes soon sorry speak special stand start stay step still stop
    strong study subtract such sum sure surely take talk task teach tell ten test than thank that that's the their
    theirs them themselves then there therefore these they thing things think third this those though thought three
    through time tiny to today together told tomorrow tonight too took top total totally touch toward true truly truth
    try turn twice two under understand unless until up upon urgent us use used useful usually value very wait walk want
    war warm warning was wasn't watch water way we week welcome well went were weren't wet what when where whether which
    while white who whole whom whose why wide will win wish with within without woman women won't word words work world
    worse worst would wouldn't write wrong year years yes yesterday yet you you're young your yours yourself zero
    absolutely active actual addition advice age air alive alone although angle animal annual area arm army art attack
    attention aware balance base basic below birth black blood blue board body book born boss box boy boys brain break
    bright broken brother build burn business busy buy care carry case cause cell center certain certainly chance cheap
    child children city clean climate cloud cost country cover create crime crucial dark data dead deadline dear decide
    define deny describe detail digit dirty does dog dose dream drink drive drop due earth east eat effect effort
    electric empty energy essential event evidence exam exercise exists explain eye face factor fail fair fall family
    father fear feel fewer fight fill fine finish fire fish fix flat floor fly focus force form formula found fraction
    freedom fresh friend front future game gas general girl girls glad gold group grow guess guilty happy hate health
    heart heat heavy height history hope hour huge human hundred hungry ice identical ignore include increase
    independent inert inverse iron island isolated issue item join jump justice kill king land language law lazy learn
    legal length lesson letter level liberty lie light limit linear list lose loss lost loud love luck major male man
    mandatory mark market mass math maybe meaning measure memory men metal method middle million mind minor minute
    mirror miss mistake mistakes mix model modern money month moon moral mother motion mouth music name natural nature
    never noise normal north notice object obvious ocean odd opinion optional original pain pair paper parent past peace
    pen perimeter period permanent person picture planet plant poison poor population power prime private product
    promise proper protect proud prove public pure purpose quality queen race radius rain random rare rate ratio raw
    ready reduce region related relevant religion required result return reverse rich rise risk river road rock role
    room root rough round row sad salt sand scale school science score sea search secret serious seven shape share sharp
    ship shout shut sick sign similar size skill sky sleep smart smile smoke soft soil solid solution solve song sound
    source south space speed split spring square stable star state steel stone story straight strange street strength
    strict student students subject success sudden sugar sun support survive sweet system table tall teacher team theory
    thick thin thousand tired tree triangle trust type ugly unique unit unknown unsafe upper usual valid variable verb
    victory view violence virus visible voice volume vote wall warn wash waste wave weak wealth weight west wheel wind
    window wise wonder wood worker worried worry worth wow yellow
    """.split()  # noqa: SIM905
)
