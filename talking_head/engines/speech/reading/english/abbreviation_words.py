"""Abbreviations and what they stand for."""

from __future__ import annotations

# said before a name ("Dr. Smith", "Dr Smith")
TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Drs": "Doctors", "Prof": "Professor", "St": "Saint",
    "Sts": "Saints", "Mt": "Mount", "Mts": "Mounts", "Ft": "Fort", "Gen": "General", "Gov": "Governor",
    "Sen": "Senator", "Rep": "Representative", "Capt": "Captain", "Cpt": "Captain", "Lt": "Lieutenant",
    "Col": "Colonel", "Sgt": "Sergeant", "Cpl": "Corporal", "Maj": "Major", "Adm": "Admiral", "Cmdr": "Commander",
    "Rev": "Reverend", "Hon": "Honorable", "Pres": "President", "Fr": "Father", "Sr": "Sister", "Msgr": "Monsignor",
    "Supt": "Superintendent", "Pte": "Private",
}  # fmt: skip
TITLES_WITH_STOP_ONLY = ("Sen", "Rep", "Col", "Hon", "Pres", "Fr", "Sr", "Gen", "Rev", "Maj", "Adm", "Ft", "Pte")

# with their full stop; read the same wherever they stand
ABBREVIATIONS = {
    "e.g.": "for example", "eg.": "for example", "E.g.": "for example", "e. g.": "for example", "i.e.": "that is",
    "ie.": "that is", "I.e.": "that is", "i. e.": "that is", "etc.": "et cetera", "vs.": "versus", "viz.": "namely",
    "cf.": "compare", "Cf.": "compare", "approx.": "approximately", "Approx.": "approximately", "ca.": "about",
    "et al.": "et al", "et seq.": "and following", "a.k.a.": "also known as", "resp.": "respectively",
    "incl.": "including", "excl.": "excluding", "est.": "established", "Est.": "established", "max.": "maximum",
    "Max.": "maximum", "min.": "minimum", "Min.": "minimum", "avg.": "average", "Avg.": "average",
    "temp.": "temperature", "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Dr.": "Doctor", "Prof.": "Professor",
    "Jr.": "Junior", "Sr.": "Senior", "St.": "Street", "Ave.": "Avenue", "Blvd.": "Boulevard", "Rd.": "Road",
    "Esq.": "Esquire", "Ltd.": "Limited", "Inc.": "Incorporated", "Corp.": "Corporation", "Co.": "Company",
    "Bros.": "Brothers", "Dept.": "Department", "dept.": "department", "Depts.": "Departments", "Univ.": "University",
    "univ.": "university", "Govt.": "Government", "govt.": "government", "Gov.": "Governor", "gov.": "government",
    "Acad.": "Academy", "Assn.": "Association", "Assoc.": "Associate", "assoc.": "associate", "Asst.": "Assistant",
    "asst.": "assistant", "Inst.": "Institute", "Intl.": "International", "intl.": "international", "Natl.": "National",
    "natl.": "national", "Ed.": "Editor", "eds.": "editors", "Eds.": "editors", "trans.": "translated by",
    "transl.": "translated", "abbr.": "abbreviation", "abbrev.": "abbreviation", "adj.": "adjective", "adv.": "adverb",
    "esp.": "especially", "Esp.": "especially", "usu.": "usually", "orig.": "originally", "prob.": "probably",
    "poss.": "possibly", "misc.": "miscellaneous", "Misc.": "miscellaneous", "def.": "definition", "Def.": "definition",
    "diff.": "difference", "diam.": "diameter", "dia.": "diameter", "circ.": "circumference", "vol.": "volume",
    "Vol.": "volume", "wt.": "weight", "ht.": "height", "hgt.": "height", "lat.": "latitude", "Lat.": "latitude",
    "Long.": "longitude", "alt.": "altitude", "pop.": "population", "Pop.": "population", "tel.": "telephone",
    "Tel.": "telephone", "ext.": "extension", "Ext.": "extension", "no.": "number", "op. cit.": "in the work cited",
    "loc. cit.": "in the place cited", "ibid.": "in the same place", "Ibid.": "in the same place", "N.B.": "note well",
    "n.b.": "note well", "NB.": "note well", "p.a.": "per annum", "P.S.": "postscript", "p.s.": "postscript",
    "c/o": "care of", "b/w": "between", "b/c": "because", "sing.": "singular", "pl.": "plural", "fem.": "feminine",
    "masc.": "masculine", "neg.": "negative", "pos.": "positive", "syn.": "synonym", "ant.": "antonym",
    "lit.": "literally", "hist.": "history", "geog.": "geography", "chem.": "chemistry", "phys.": "physics",
    "biol.": "biology", "math.": "mathematics", "maths.": "mathematics", "econ.": "economics", "lang.": "language",
    "lab.": "laboratory", "conc.": "concentrated", "dil.": "dilute", "soln.": "solution", "spp.": "species",
    "sp.": "species", "subsp.": "subspecies", "ssp.": "subspecies", "var.": "variety", "gen.": "genus",
    "fam.": "family", "mtn.": "mountain", "mtns.": "mountains", "Mts.": "Mountains", "Is.": "Islands", "isl.": "island",
    "Pk.": "Park", "Stn.": "Station", "Hwy.": "Highway", "Sq.": "Square", "hrs.": "hours", "hr.": "hour",
    "mins.": "minutes", "secs.": "seconds", "yrs.": "years", "yr.": "year", "wks.": "weeks", "mos.": "months",
    "lbs.": "pounds", "oz.": "ounces", "tbsp.": "tablespoon", "tsp.": "teaspoon", "doz.": "dozen", "pkg.": "package",
    "qty.": "quantity", "Qty.": "quantity", "amt.": "amount", "acct.": "account", "bldg.": "building",
    "Bldg.": "Building", "apt.": "apartment", "req.": "required", "reqd.": "required", "rec.": "recommended",
    "std.": "standard", "Std.": "standard", "stat.": "statistics", "temps.": "temperatures", "info.": "information",
    "intro.": "introduction", "Intro.": "Introduction", "concl.": "conclusion", "cont.": "continued",
    "contd.": "continued", "Mgr.": "Manager", "Mfg.": "Manufacturing", "hwk.": "homework", "h.w.": "homework",
    "w.r.t.": "with respect to", "s.t.": "such that", "i.i.d.": "independent and identically distributed",
    "q.v.": "which see", "Ph.D.": "P.H.D", "fl.": "flourished", "betw.": "between", "Feb.": "February", "yds.": "yards",
    "approx": "approximately",
}  # fmt: skip

# without a full stop
SHORT_FORMS = {
    "vs": "versus", "aka": "also known as", "AKA": "also known as", "w/": "with ", "w/o": "without", "Q&A": "Q and A",
    "C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "n/a": "not applicable", "N/A": "not applicable",
    "tbsp": "tablespoons", "tsp": "teaspoons", "wrt": "with respect to", "iff": "if and only if", "lbs": "pounds",
    "hrs": "hours", "mins": "minutes", "yrs": "years", "secs": "seconds", "incl": "including", "excl": "excluding",
    "dept": "department", "govt": "government", "pls": "please", "etc": "et cetera", "qty": "quantity",
    "avg": "average", "abt": "about", "btw": "by the way", "FYI": "for your information", "NB": "note well",
    "TBD": "to be decided", "ASAP": "as soon as possible", "e.g": "for example", "i.e": "that is", "eg": "for example",
    "std dev": "standard deviation", "std": "standard",
    "IPv4": "I.P. v four", "IPv6": "I.P. v six", "a.k.a": "also known as",
}  # fmt: skip

# only before a figure or a numeral: "Fig. 3", "pp. 3-5"
BEFORE_FIGURES = {
    "No.": "number", "no.": "number", "Nos.": "numbers", "nos.": "numbers", "№": "number", "Nr.": "number",
    "Fig.": "figure", "fig.": "figure", "Figs.": "figures", "figs.": "figures", "Eq.": "equation", "eq.": "equation",
    "Eqn.": "equation", "eqn.": "equation", "Eqs.": "equations", "eqs.": "equations", "Tab.": "table", "tab.": "table",
    "Vol.": "volume", "vol.": "volume", "vols.": "volumes", "Vols.": "volumes", "Ch.": "chapter", "ch.": "chapter",
    "Chs.": "chapters", "chs.": "chapters", "Chap.": "chapter", "chap.": "chapter", "chaps.": "chapters",
    "Sec.": "section", "sec.": "section", "Sect.": "section", "sect.": "section", "secs.": "sections", "p.": "page",
    "P.": "page", "pp.": "pages", "Pp.": "pages", "pg.": "page", "pgs.": "pages", "Art.": "article", "art.": "article",
    "arts.": "articles", "c.": "about", "C.": "about", "#": "number ", "Op.": "opus", "op.": "opus", "K.": "Köchel",
    "Ex.": "exercise", "ex.": "exercise", "exs.": "exercises", "Exs.": "exercises", "Pt.": "part", "pt.": "part",
    "Bk.": "book", "bk.": "book", "l.": "line", "ll.": "lines", "para.": "paragraph", "paras.": "paragraphs",
    "par.": "paragraph", "v.": "verse", "vv.": "verses", "ver.": "version", "Ver.": "version", "rev.": "revision",
    "ed.": "edition", "App.": "appendix", "app.": "appendix", "Cl.": "clause", "cl.": "clause", "Col.": "column",
    "col.": "column", "cols.": "columns", "Q.": "question", "q.": "question", "Qs.": "questions", "Prob.": "problem",
    "prob.": "problem", "Thm.": "theorem", "thm.": "theorem", "Lem.": "lemma", "Def.": "definition",
    "def.": "definition", "Cor.": "corollary", "b.": "born", "d.": "died", "m.": "married", "r.": "ruled",
    "rm.": "room", "Rm.": "room", "Gr.": "grade", "gr.": "grade", "yr.": "year", "Yr.": "year", "wk.": "week",
    "Wk.": "week", "fn.": "footnote", "n.": "note", "nn.": "notes", "approx": "approximately", "max": "maximum",
    "min": "minimum", "cca": "about", "ca": "about", "Ref.": "reference", "ref.": "reference", "Refs.": "references",
    "refs.": "references", "Ser.": "series", "ser.": "series", "Ep.": "episode", "ep.": "episode", "S.": "section",
    "Rte.": "route",
    "Sc.": "scene", "sc.": "scene", "Stn.": "station", "Lect.": "lecture",
    "Ext.": "extension", "ext.": "extension", "ext": "extension", "Sess.": "session",
    "tel": "telephone", "Apr.": "April", "Dept.": "Department",
}  # fmt: skip
# Abbreviations behind which a sentence goes on, even before a capital; others end one where a capital follows.
ALWAYS_GO_ON = frozenset((
    *(f"{title}." for title in TITLES if title not in ("St", "Sr", "Ft", "Dr", "Col", "Hon", "Fr", "Mt")),
    "vs.", "cf.", "Cf.", "e.g.", "E.g.", "i.e.", "I.e.", "viz.", "ca.", "approx.", "Approx.", "a.k.a.", "Rs.", "esp.",
    "incl.", "excl.",
))  # fmt: skip
GO_ON_BEFORE_FIGURES = frozenset(
    (
        *(short for short in BEFORE_FIGURES if short.endswith(".") and len(short) > 2),
        "p.",
        "max.",
        "Max.",
        "min.",
        "Min.",
        "avg.",
        "Avg.",
        "est.",
        "Est.",
        "pop.",
        "Pop.",
        "lat.",
        "Lat.",
        "long.",
        "tel.",
        "Tel.",
        "resp.",
        "temp.",
        "vol.",
        "Rte.",
        "Hwy.",
    )
)
