"""The names and words of the invented documents."""

CIRCONSCRIPTIONS = (
    "Montréal", "Laval", "Verchères", "Québec", "Chambly", "Terrebonne", "Hull", "Sherbrooke",
    "Trois-Rivières", "Saint-Hyacinthe", "Rimouski", "Beauharnois", "Joliette", "L'Assomption",
    "Châteauguay", "Deux-Montagnes", "Lac-Saint-Jean-Est", "Îles-de-la-Madeleine", "Témiscouata",
    "Maskinongé", "Rouyn-Noranda", "Lotbinière", "Lévis", "Missisquoi", "Kamouraska", "Gaspé",
    "Charlevoix 1", "Bonaventure 2", "Sept-Îles", "Argenteuil", "Vaudreuil", "La Prairie",
)  # fmt: skip
PARISHES = (
    "Paroisse de Sainte-Julie", "Paroisse de Saint-Laurent", "Village de Boucherville",
    "Canton de Hull", "Paroisse de Beauport", "Cité de Trois-Rivières", "Paroisse de Varennes",
    "Canton de Magog", "Paroisse de Saint-Antoine-de-Longueuil", "Village de Lorimier",
    "Paroisse de L'Ancienne-Lorette", "Canton d'Ascot", "Ville de Lachine",
)  # fmt: skip
GIVEN_NAMES = (
    "Jean", "Marie", "Pierre", "Louise", "André", "Hélène", "François", "Geneviève", "Étienne",
    "Thérèse", "Rémi", "Françoise", "Jérôme", "Noémie", "Gaétan", "Céline", "Jean-Guy", "Lucille",
    "Marcel", "Ginette", "Yvon", "Huguette", "Normand", "Solange",
)  # fmt: skip
FAMILY_NAMES = (
    "Tremblay", "Gagnon", "Côté", "Bélanger", "Lévesque", "Bouchard", "Gauthier", "Morin",
    "Lavoie", "Fortin", "Gagné", "Ouellet", "Pelletier", "Bergeron", "Leblanc", "Désilets",
    "St-Pierre", "Beaulieu", "Poirier", "Saint-Amand", "Desrosiers", "Théberge", "Lachance",
)  # fmt: skip
# Most are in the rules' vocabulary, some are not: nobody knows them all.
LENDERS = (
    "Banque Royale du Canada", "Banque Nationale du Canada", "Banque de Montréal",
    "Caisse Desjardins de Verchères", "Banque Toronto-Dominion", "Banque Laurentienne du Canada",
    "Caisse populaire de Rimouski", "Caisse Desjardins de Lévis", "Trust Royal",
    "Banque Canadienne Impériale de Commerce", "Banque de la Nouvelle-Écosse",
    "Société d'hypothèques Champlain", "Prêts Richelieu inc.",
)  # fmt: skip
UTILITIES = ("Hydro-Québec", "Bell Canada", "Énergir")
CITIES = (
    "Laval", "Longueuil", "Rimouski", "Gatineau", "Drummondville", "Saint-Jérôme", "Granby",
    "Trois-Rivières", "Sorel-Tracy", "Victoriaville", "Alma", "Val-d'Or",
)  # fmt: skip
STREETS = ("Principale", "du Moulin", "des Érables", "Saint-Louis", "Notre-Dame", "de l'Église")
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
NATURES = (
    "Vente", "Hypothèque", "Quittance", "Mainlevée", "Servitude", "Donation", "Préavis d'exercice",
    "Cession de rang", "Testament", "Bail", "Radiation", "Déclaration",
)  # fmt: skip
BETWEEN_LENDER_AND_OWNER = frozenset(
    {"Hypothèque", "Quittance", "Mainlevée", "Préavis d'exercice", "Radiation"}
)
